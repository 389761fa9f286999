import Dispatch
import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A process that ``ProcessLauncher`` has started.
final class ChildProcess: Sendable {
    let id: pid_t
    let leadsGroup: Bool
    /// What it leaves behind when it ends is ended too.
    let endsDescendants: Bool
    let mark: ProcessMark?
    /// A worker process of this program.
    let isWorker: Bool
    let started = ContinuousClock.now
    /// -1 where the system has none.
    let descriptor: Int32
    /// Of a child with a control descriptor, which is one that this program knows by its registration.
    let identity: ProcessIdentity?
    /// A millisecond each.
    private static let killRounds = 20
    private let whenEnded = Promise<ProcessEnd>()
    private let state = Mutex(State())
    private let wakeLauncher: @Sendable () -> Void

    private struct State {
        /// From then on the id may be another process's.
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

    /// As ``end()``; `nil` where this task is cancelled before.
    func endUnlessCancelled() async -> ProcessEnd? { await whenEnded.valueUnlessCancelled() }

    var hasEnded: Bool { whenEnded.isSet }

    /// Sends a signal to the process alone; nothing happens once it was reaped.
    func send(_ signal: Int32) {
        state.withLock { state in
            if !state.isReaped { kill(id, signal) }
        }
    }

    /// Sends SIGTERM to the group now and SIGKILL after `patience`, unless its leader was reaped before; and whoever is
    /// left in the group when the leader ends gets SIGKILL at once. The first call counts, but a later one can shorten
    /// the patience. For a process without a group of its own the same is done to the process.
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

    /// When ``killIfDue(at:)`` has something to do.
    var killAt: ContinuousClock.Instant? { state.withLock { $0.killAt } }

    func killIfDue(at now: ContinuousClock.Instant) {
        state.withLock { state in
            guard let killAt = state.killAt, killAt <= now, !state.isReaped else { return }
            state.killAt = nil
            kill(target, SIGKILL)
        }
    }

    /// When it ended, where it has.
    var ended: ContinuousClock.Instant { state.withLock { $0.ended } ?? .now }

    /// It has ended and was not reaped. Until then the zombie keeps its number, and so its group's, from being another's:
    /// what is left of the group is killed.
    func leaderHasEnded() {
        state.withLock { state in
            state.ended = .now
            if leadsGroup && (state.isTerminated || endsDescendants) { kill(target, SIGKILL) }
        }
    }

    /// Whether this side has ended it.
    var isTerminated: Bool { state.withLock { $0.isTerminated } }

    /// For a child that has ended: collects its end.
    func reap() -> ProcessEnd {
        var status: Int32 = 0
        var usage = rusage()
        state.withLock { state in
            var result: pid_t
            repeat { result = wait4(id, &status, 0, &usage) } while result < 0 && errno == EINTR
            // Somebody else in this process has waited for it: how it ended nobody knows, so not well.
            if result < 0 { status = 255 << 8 }
            state.isReaped = true
            state.killAt = nil
        }
        if descriptor >= 0 { close(descriptor) }
        let peak = peakMemory(of: usage)
        // wait(2): the low seven bits are the signal's number, the next byte the exit code.
        let signal = status & 0x7F
        return ProcessEnd(
            status: signal == 0 ? .exited((status >> 8) & 0xFF) : .signaled(signal), peakMemoryBytes: peak,
            ranFor: ended - started)
    }

    /// Tells those that wait for its end.
    ///
    /// - Parameter byMark: What has left its group has to be looked for first, and is ended: not by the launcher's thread,
    ///   which has others to look after.
    func noteEnd(_ end: ProcessEnd, endingDescendants byMark: Bool) {
        guard byMark, let mark else { return whenEnded.set(end) }
        DispatchQueue.global().async { [whenEnded] in
            MarkedProcesses.kill(coveredBy: mark, rounds: Self.killRounds)
            whenEnded.set(end)
        }
    }
}

/// The most memory that this process had resident at one time, in bytes.
func ownPeakMemory() -> Int64 {
    var usage = rusage()
    #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
    #else
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #endif
    return peakMemory(of: usage)
}

private func peakMemory(of usage: rusage) -> Int64 {
    #if canImport(Darwin)
        Int64(usage.ru_maxrss)
    #else
        Int64(usage.ru_maxrss) * 1_024
    #endif
}
