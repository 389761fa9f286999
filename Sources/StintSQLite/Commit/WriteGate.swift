import Dispatch
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A fair lock in front of SQLite's write lock, shared by all processes that use a file.
///
/// SQLite's own way to wait is to sleep and to try again, and whoever sleeps shortest wins: of 16 busy processes most
/// never get their turn. Here the kernel keeps the queue, in a turnstile of two locks (flock(2)): who comes takes
/// `next`, waits for `current`, and lets go of `next` when it has that. One process waits for `current` at any time and
/// the others in line for `next`, so whoever has just been inside starts at the end.
///
/// It is a courtesy and no safeguard: what protects the data is SQLite's lock, and a writer that does not know the gate
/// does no harm. The kernel opens it when the process inside dies; past one that is stopped, ``Writer`` goes after a while.
///
/// The files, `stint.db-gate` and `stint.db-gate-next`, are empty, and stay. They are not written to, since a write would
/// make the file system's journal longer that every commit has to wait for.
package final class WriteGate: Sendable {
    private let current: Int32
    private let next: Int32

    /// - Parameter file: The database without symbolic links, so that all processes find the same gate.
    /// - Throws: ``StintError`` where the files cannot be opened.
    package init(beside file: String) throws {
        current = try LockFile.descriptor(file + "-gate", like: file)
        do {
            next = try LockFile.descriptor(file + "-gate-next", like: file)
        } catch {
            close(current)
            throw error
        }
    }

    deinit {
        close(current)
        close(next)
    }

    /// Enters unless somebody is inside or waits.
    package func enterIfOpen() -> Bool {
        guard LockFile.lockIfFree(next) else { return false }
        defer { LockFile.unlock(next) }
        return LockFile.lockIfFree(current)
    }

    /// Waits in line.
    ///
    /// - Parameter whenStuck: Called once, on another thread, when the gate has not opened for `patience`.
    func enter(patience: Duration, whenStuck: @escaping @Sendable () -> Void) {
        let alarm = DispatchWorkItem(block: whenStuck)
        let delay = DispatchTimeInterval.milliseconds(Int(patience.milliseconds))
        Self.alarms.asyncAfter(deadline: .now() + delay, execute: alarm)
        enter()
        alarm.cancel()
    }

    private static let alarms = DispatchQueue(label: "stint.gate", attributes: .concurrent)

    /// Waits in line, for ever.
    package func enter() {
        LockFile.lock(next)
        LockFile.lock(current)
        LockFile.unlock(next)
    }

    package func leave() {
        LockFile.unlock(current)
    }
}
