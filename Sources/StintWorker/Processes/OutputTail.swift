import StintCore
import Synchronization

/// The end of what a process has written to its standard error.
final class OutputTail: Sendable {
    private static let limit = AttemptDiagnostics.maximumStandardErrorBytes

    private struct State {
        var bytes: [UInt8] = []
        var headline: String?
        /// How many bytes came in all.
        var total = 0
    }

    private let state = Mutex(State())

    /// The number of bytes so far, as a position in the stream.
    var position: Int { state.withLock { $0.total } }

    /// The latest line that contains `Fatal error`, at most 300 bytes. It is kept separately because Swift's backtrace
    /// after it is longer than the tail.
    var headline: String? { state.withLock { $0.headline } }

    private static func place(of words: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
        var rest = bytes[...]
        while let start = rest.firstIndex(of: words[0]) {
            if bytes[start...].starts(with: words) { return start }
            rest = bytes[(start + 1)...]
        }
        return nil
    }

    private static func headline(in bytes: UnsafeRawBufferPointer) -> String? {
        guard let place = place(of: Array("Fatal error".utf8), in: bytes) else { return nil }
        let line = bytes[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let rest = bytes[max(line, place - 200)...].prefix { $0 != 0x0A }.prefix(300)
        return String(decoding: rest, as: UTF8.self)
    }

    func append(_ more: UnsafeRawBufferPointer) {
        state.withLock { state in
            state.total += more.count
            if let headline = Self.headline(in: more) { state.headline = headline }
            // Four bytes more, so that the cut can be seen to go through a character.
            state.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: more.suffix(Self.limit + 4)))
            if state.bytes.count > 2 * Self.limit { state.bytes.removeFirst(state.bytes.count - Self.limit - 4) }
        }
    }

    /// The output after `position`, at most ``AttemptDiagnostics/maximumStandardErrorBytes``, as valid UTF-8 without
    /// the line breaks at its end; `nil` if it is empty.
    func text(since position: Int = 0) -> String? {
        state.withLock { state in
            let bytes = state.bytes.suffix(state.total - position)
            let end = bytes.lastIndex { $0 != 0x0A && $0 != 0x0D }
            return end.map { bytes[...$0].textTail(limit: Self.limit) }
        }
    }
}

extension String {
    /// The most telling line of a process's standard error: the first that contains `fatal`, `error`, `exception` or
    /// `panic` in any case, otherwise the last that is not empty. At most 300 characters; empty if there is no line.
    var excerpt: String {
        let lines = split(whereSeparator: \.isNewline).map(trimmed).filter { !$0.isEmpty }
        let telling = lines.first { line in
            let line = line.lowercased()
            return ["fatal", "error", "exception", "panic"].contains { line.contains($0) }
        }
        let line = telling ?? lines.last ?? ""
        return line.count <= 300 ? String(line) : line.prefix(299) + "…"
    }
}

private func trimmed(_ line: Substring) -> Substring {
    var line = line.drop(while: \.isWhitespace)
    while line.last?.isWhitespace == true { line.removeLast() }
    return line
}
