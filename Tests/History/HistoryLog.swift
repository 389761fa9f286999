import Foundation

/// Events in a file that only grows, outside the database: each is one write(2) with O_APPEND, so that the lines of many
/// processes do not mix and none is lost when its writer is killed.
package final class HistoryLog: Sendable {
    package let process: String
    private let clock: @Sendable () -> Int64
    private let sink: Sink

    private enum Sink: Sendable {
        case file(Int32)
        case memory(@Sendable (Event) -> Void)
    }

    /// - Parameters:
    ///   - process: The process that writes; unique in the history.
    ///   - clock: In nanoseconds.
    package init(
        _ path: String, process: String, clock: @escaping @Sendable () -> Int64 = HistoryLog.monotonicNanoseconds
    ) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw HistoryError("\(path) cannot be opened: \(String(cString: strerror(errno)))") }
        self.process = process
        self.clock = clock
        sink = .file(file)
    }

    /// For a world within one process: `keep` receives each event.
    package init(process: String, clock: @escaping @Sendable () -> Int64, keep: @escaping @Sendable (Event) -> Void) {
        self.process = process
        self.clock = clock
        sink = .memory(keep)
    }

    deinit { if case .file(let file) = sink { close(file) } }

    package func append(_ kind: EventKind) {
        append(kind, of: process)
    }

    /// For the harness, which records what it does to others.
    package func append(_ kind: EventKind, of process: String) {
        let event = Event(time: clock(), process: process, kind: kind)
        switch sink {
        case .memory(let keep): keep(event)
        case .file(let file): Self.append(event, to: file)
        }
    }

    private static func append(_ event: Event, to file: Int32) {
        do {
            var line = try JSONEncoder().encode(event)
            line.append(0x0A)
            let written = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard written == line.count else {
                throw HistoryError("the history cannot be written: \(String(cString: strerror(errno)))")
            }
        } catch {
            // Without its history a run proves nothing.
            fatalError("\(error)")
        }
    }

    package static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// All events of a file, in the order of its lines.
    ///
    /// - Parameter isGrowing: Whether others still write: then a last line without an end is ignored.
    package static func read(_ path: String, isGrowing: Bool = false) throws -> [Event] {
        let decoder = JSONDecoder()
        var data = try Data(contentsOf: URL(filePath: path))
        if isGrowing { data = data.lastIndex(of: 0x0A).map { data.prefix(through: $0) } ?? Data() }
        return try data.split(separator: 0x0A).enumerated().map { number, line in
            do {
                return try decoder.decode(Event.self, from: Data(line))
            } catch {
                throw HistoryError("line \(number + 1) of \(path) is no event: \(error)")
            }
        }
    }
}

package struct HistoryError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
