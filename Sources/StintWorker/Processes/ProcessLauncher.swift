import CStint
import StintCore
import StintPlatform
import Synchronization

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
        /// Created at the first start for which there were descriptors.
        var wakeUp: WakeUp?
        var lastMark = 0
    }

    private let state = Mutex(State())
    private let isAdopting = Atomic(false)

    /// Whether orphans of this process's descendants become its children.
    var adoptsOrphans: Bool { isAdopting.load(ordering: .relaxed) }

    /// Adopts orphans of this process's descendants from now on. Does nothing on systems that cannot do that.
    func adoptOrphans() {
        if stint_adopt_orphans() == 0 { isAdopting.store(true, ordering: .relaxed) }
    }

    /// A mark that no other process has, for a new one.
    func nextMark() -> ProcessMark {
        ProcessMark.ofThisProcess.part(
            state.withLock { state in
                state.lastMark += 1
                return state.lastMark
            })
    }

    /// Starts a process. When this returns, it has executed the program.
    ///
    /// - Throws: ``StartFailure`` with the reason; then there is no process.
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

    /// Sends SIGKILL to the group of every running child that leads one. Can be called from any thread and does not use
    /// Swift concurrency, for a process that must end now.
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
        // Before it is reaped: its id may be reused the next moment.
        state.withLock { $0.children[child.id] = nil }
        // Adopted orphans are killed already.
        let byMark = child.isTerminated && child.endsDescendants && !adoptsOrphans
        child.noteEnd(child.reap(), endingDescendants: byMark)
    }
}
