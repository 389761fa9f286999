import Dispatch
import StintCore

/// A fair lock in front of SQLite's write lock, shared by all processes that use a file.
///
/// SQLite waits by sleeping and trying again, and the process that sleeps shortest wins: of 16 busy processes most
/// never get their turn. Here the kernel keeps the queue, in a turnstile of two of the ``DatabaseLocks``. A process
/// takes `nextAtGate`, waits for `gate`, and releases `nextAtGate` when it has `gate`. So one process waits for `gate`
/// at any time, and the others wait in line for `nextAtGate`. A process that leaves starts again at the end of the
/// line.
///
/// The gate is a courtesy and no safeguard. SQLite's lock protects the data, and a writer that does not know the gate
/// does no harm. The kernel opens the gate when the process inside dies. If the process inside is stopped, ``Writer``
/// goes past the gate after a while.
package final class WriteGate: Sendable {
    private let locks: DatabaseLocks

    /// - Parameter locks: Used by no other thread: two threads that share them do not exclude each other.
    package init(_ locks: DatabaseLocks) {
        self.locks = locks
    }

    /// Enters unless another process is inside or waits.
    package func enterIfOpen() -> Bool {
        guard locks.lockIfFree(.nextAtGate) else { return false }
        defer { locks.unlock(.nextAtGate) }
        return locks.lockIfFree(.gate)
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
        locks.lock(.nextAtGate)
        locks.lock(.gate)
        locks.unlock(.nextAtGate)
    }

    package func leave() {
        locks.unlock(.gate)
    }
}
