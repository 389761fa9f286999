import Dispatch
import StintCore
import StintPlatform
import Synchronization

/// A process that ``ProcessLauncher`` has started.
final class ChildProcess: Sendable {
    let id: pid_t
    let leadsGroup: Bool
    /// Whether processes that it leaves behind are killed when it ends.
    let endsDescendants: Bool
    let mark: ProcessMark?
    /// Whether it is a worker process of this program.
    let isWorker: Bool
    let started = ContinuousClock.now
    /// Its pidfd; -1 if the system has none.
    let descriptor: Int32
    /// Set for a worker process, which is found in the store by it.
    let identity: ProcessIdentity?
    /// Rounds of 1 ms.
    private static let killRounds = 20
    private let whenEnded = Promise<ProcessEnd>()
    private let state = Mutex(State())
    private let wakeLauncher: @Sendable () -> Void

    private struct State {
        /// Once it is reaped, its id may belong to another process.
        var isReaped = false
        /// When the group gets SIGKILL; set by ``terminateGroup(after:)``.
        var killAt: ContinuousClock.Instant?
        var isTerminated = false
        var ended: ContinuousClock.Instant?
    }

    init(
        id: pid_t, _ launch: Launch, descriptor: Int32, identity: ProcessIdentity? = nil,
        wakeLauncher: @escaping @Sendable () -> Void
    ) {
        self.id = id
        leadsGroup = launch.ownGroup
        endsDescendants = launch.endsDescendants
        mark = launch.mark
        isWorker = launch.control != nil
        self.descriptor = descriptor
        self.identity = identity
        self.wakeLauncher = wakeLauncher
    }

    /// Waits until the process has ended and was reaped, also in a cancelled task.
    func waitForExit() async -> ProcessEnd { await whenEnded.value() }

    /// As ``waitForExit()``; `nil` if this task is cancelled before.
    func endUnlessCancelled() async -> ProcessEnd? { await whenEnded.valueUnlessCancelled() }

    var hasEnded: Bool { whenEnded.isSet }

    /// Sends a signal to the process alone. Does nothing once it is reaped.
    func send(_ signal: Int32) {
        state.withLock { state in
            if !state.isReaped { kill(id, signal) }
        }
    }

    /// Sends SIGTERM to the group now and SIGKILL after `patience`, unless its leader was reaped before. When the
    /// leader ends, the rest of the group gets SIGKILL at once. The first call counts, but a later one can shorten the
    /// patience. Without a group of its own, only the process gets the signals.
    func terminateGroup(after patience: Duration) {
        state.withLock { state in
            guard !state.isReaped else { return }
            let end = ContinuousClock.now + patience
            state.killAt = min(end, state.killAt ?? end)
            guard !state.isTerminated else { return }
            state.isTerminated = true
            kill(target, SIGTERM)
        }
        wakeLauncher()
    }

    /// Sends SIGKILL to the group of a child that leads one.
    func killGroup() {
        state.withLock { state in
            if leadsGroup && !state.isReaped { kill(target, SIGKILL) }
        }
    }

    private var target: pid_t { leadsGroup ? -id : id }

    // MARK: - For the launcher's thread

    /// When ``killIfDue(at:)`` sends SIGKILL.
    var killAt: ContinuousClock.Instant? { state.withLock { $0.killAt } }

    func killIfDue(at now: ContinuousClock.Instant) {
        state.withLock { state in
            guard let killAt = state.killAt, killAt <= now, !state.isReaped else { return }
            state.killAt = nil
            kill(target, SIGKILL)
        }
    }

    /// When it ended, or now if it has not.
    var ended: ContinuousClock.Instant { state.withLock { $0.ended } ?? .now }

    /// Called when it has ended, before it is reaped. Until then its id, which is also its group's, cannot be reused,
    /// so the rest of the group can be killed.
    func leaderHasEnded() {
        state.withLock { state in
            state.ended = .now
            if leadsGroup && (state.isTerminated || endsDescendants) { kill(target, SIGKILL) }
        }
    }

    /// Whether ``terminateGroup(after:)`` was called.
    var isTerminated: Bool { state.withLock { $0.isTerminated } }

    /// Reaps a child that has ended and returns how it ended.
    func reap() -> ProcessEnd {
        var status: Int32 = 0
        var usage = rusage()
        state.withLock { state in
            var result: pid_t
            repeat { result = wait4(id, &status, 0, &usage) } while result < 0 && errno == EINTR
            // Other code in this process has reaped it: how it ended is unknown, so it counts as failed.
            if result < 0 { status = 255 << 8 }
            state.isReaped = true
            state.killAt = nil
        }
        if descriptor >= 0 { close(descriptor) }
        let peak = ProcessMemory.peak(of: usage)
        // wait(2): the low seven bits are the signal's number, the next byte the exit code.
        let signal = status & 0x7F
        return ProcessEnd(
            status: signal == 0 ? .exited((status >> 8) & 0xFF) : .signaled(signal), peakMemoryBytes: peak,
            ranFor: ended - started)
    }

    /// Resumes the tasks that wait for its end.
    ///
    /// - Parameter byMark: Whether to find and kill processes that have left its group first, on a thread other than
    ///   the launcher's.
    func noteEnd(_ end: ProcessEnd, endingDescendants byMark: Bool) {
        guard byMark, let mark else { return whenEnded.set(end) }
        DispatchQueue.global().async { [whenEnded] in
            MarkedProcesses.kill(coveredBy: mark, rounds: Self.killRounds)
            whenEnded.set(end)
        }
    }
}
