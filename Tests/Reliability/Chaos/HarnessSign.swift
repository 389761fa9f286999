import Foundation
import History

/// A lock that the harness holds as long as it lives, so that its processes see its end, also in containers.
final class HarnessSign: Sendable {
    private let file: Int32

    init(beside history: String) throws {
        file = open(Self.path(beside: history), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, flock(file, LOCK_EX | LOCK_NB) == 0 else {
            throw HistoryError("\(Self.path(beside: history)) cannot be locked: is another harness at work there?")
        }
    }

    deinit { close(file) }

    /// Ends this process when the harness has ended.
    static func endWithHarness(beside history: String) throws {
        let file = open(path(beside: history), O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw HistoryError("\(path(beside: history)) cannot be opened: is there no harness?") }
        Thread.detachNewThread {
            while flock(file, LOCK_SH | LOCK_NB) != 0 { sleep(1) }
            _exit(1)
        }
    }

    private static func path(beside history: String) -> String { history + "-harness" }
}
