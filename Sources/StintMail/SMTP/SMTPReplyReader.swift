/// Puts the bytes that a server has sent together into its answers. Pure.
struct SMTPReplyReader {
    /// The longest answer, with all its lines. A longer one has no end, for all that a client can tell.
    static let longestReply = 65_536
    /// What is kept of a line; the rest is counted and dropped.
    static let longestLine = 2_048

    private var complete: [[[UInt8]]] = []
    private var lines: [[UInt8]] = []
    private var line: [UInt8] = []
    /// Bytes of the answer that has no end yet.
    private var size = 0

    /// Whether nothing waits to be read, not even the beginning of an answer.
    var isEmpty: Bool { complete.isEmpty && size == 0 }
    /// Whether the answer that has no end yet is too long. Nothing more of it is kept.
    var isTooLong: Bool { size > Self.longestReply }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty, !isTooLong {
            let piece = rest.prefix { $0 != 0x0A }
            line += piece.prefix(max(0, Self.longestLine - line.count))
            size += piece.count
            guard piece.endIndex < rest.endIndex else { return }
            size += 1
            rest = rest[(piece.endIndex + 1)...]
            if line.last == 0x0D { line.removeLast() }
            lines.append(line)
            // Each line but the last has a hyphen after its code.
            let isLast = line.count < 4 || line[3] != UInt8(ascii: "-")
            line = []
            guard isLast else { continue }
            complete.append(lines)
            lines = []
            size = 0
        }
    }

    /// Takes the oldest answer.
    ///
    /// - Returns: Its lines without their ends; `nil` if none is complete.
    mutating func next() -> [[UInt8]]? { complete.isEmpty ? nil : complete.removeFirst() }
}
