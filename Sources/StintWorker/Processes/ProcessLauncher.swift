import CStint
import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Starts processes and collects their ends, all from one thread that lives as long as this process: Linux sends the
/// parent-death signal when the *thread* that started the process ends. It waits for its own children only.
final class ProcessLauncher: Sendable {
    static let shared = ProcessLauncher()

    struct Request: Sendable {
        let launch: Launch
        let answer: CheckedContinuation<ChildProcess, any Error>
    }

    private struct State {
        var isRunning = false
        var requests: [Request] = []
        var children: [pid_t: ChildProcess] = [:]
        /// There from the first start for which there were descriptors.
        var wakeUp: WakeUp?
        var lastMark = 0
    }

    private let state = Mutex(State())
    private let isAdopting = Atomic(false)

    /// Whether orphans of what this process has started become its children.
    var adoptsOrphans: Bool { isAdopting.load(ordering: .relaxed) }

    /// Takes over what this process's children leave behind, from now on and for all of this process; where the system has
    /// no such thing it changes nothing.
    func adoptOrphans() {
        if stint_adopt_orphans() == 0 { isAdopting.store(true, ordering: .relaxed) }
    }

    /// A mark that no other process has, for one that is to be started.
    func nextMark() -> ProcessMark {
        ProcessMark.ofThisProcess.part(
            state.withLock { state in
                state.lastMark += 1
                return state.lastMark
            })
    }

    /// Starts a process. It has executed the program when this returns.
    ///
    /// - Throws: ``StartFailure`` that says why it cannot be started; then there is no process.
    func start(_ launch: Launch) async throws -> ChildProcess {
        let wakeUp = try state.withLock { state in
            let wakeUp = try state.wakeUp ?? WakeUp()
            state.wakeUp = wakeUp
            return wakeUp
        }
        return try await withCheckedThrowingContinuation { continuation in
            let isFirst = state.withLock { state in
                state.requests.append(Request(launch: launch, answer: continuation))
                defer { state.isRunning = true }
                return !state.isRunning
            }
            if isFirst { startThread(wakeUp) }
            wakeUp.wake()
        }
    }

    private func startThread(_ wakeUp: WakeUp) {
        do {
            try startLongLivedThread { [self] in
                var thread = LauncherThread(launcher: self, wakeUp: wakeUp)
                thread.run()
            }
        } catch {
            state.withLock { $0.isRunning = false }
            for request in takeRequests() { request.answer.resume(throwing: error) }
        }
    }

    /// Sends SIGKILL to the group of every running child that leads one. It can be called from any thread and does not
    /// use Swift's concurrency: it is for a process that must end now.
    func killAllGroups() {
        let children = state.withLock { Array($0.children.values) }
        for child in children { child.killGroup() }
    }

    // MARK: - For the launcher's thread

    func takeRequests() -> [Request] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
    }

    func add(_ child: ChildProcess) {
        state.withLock { $0.children[child.id] = child }
    }

    /// Reaps a child that has ended.
    func collect(_ child: ChildProcess) {
        // Before it is reaped: its number may be another child's the next moment.
        state.withLock { $0.children[child.id] = nil }
        // Orphans that this process adopts are ended already.
        let byMark = child.isTerminated && child.endsDescendants && !adoptsOrphans
        child.noteEnd(child.reap(), endingDescendants: byMark)
    }
}
