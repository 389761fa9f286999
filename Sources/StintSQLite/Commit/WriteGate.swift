import Dispatch
import StintCore
import StintPlatform

/// A fair lock in front of SQLite's write lock, shared by all processes that use a file.
///
/// SQLite waits by sleeping and trying again, and the process that sleeps shortest wins: of 16 busy processes most
/// never get their turn. Here the kernel keeps the queue, in a turnstile of two locks (flock(2)). A process takes
/// `next`, waits for `current`, and releases `next` when it has `current`. So one process waits for `current` at any
/// time, and the others wait in line for `next`. A process that leaves starts again at the end of the line.
///
/// The gate is a courtesy and no safeguard. SQLite's lock protects the data, and a writer that does not know the gate
/// does no harm. The kernel opens the gate when the process inside dies. If the process inside is stopped, ``Writer``
/// goes past the gate after a while.
///
/// The files, `stint.db-gate` and `stint.db-gate-next`, are empty, and stay. They are not written to, since a write
/// would lengthen the file system's journal, and every commit has to wait for that.
package final class WriteGate: Sendable {
    private let current: Int32
    private let next: Int32

    /// - Parameter file: The database without symbolic links, so that all processes find the same gate.
    /// - Throws: ``StintError`` if the files cannot be opened.
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

    /// Enters unless another process is inside or waits.
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

    /// Waits in line without a limit.
    package func enter() {
        LockFile.lock(next)
        LockFile.lock(current)
        LockFile.unlock(next)
    }

    package func leave() {
        LockFile.unlock(current)
    }
}
