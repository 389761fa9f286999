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
        var onGroupChange: (@Sendable (pid_t, _ started: Bool) -> Void)?
    }

    private let state = Mutex(State())
    private let wakeUp = Result { try WakeUp() }

    /// Has `observer` called on the launcher's thread when a child that leads a group has started (`true`), before its
    /// start is answered, and when it was reaped (`false`), before its end is told. It must not wait for anything.
    func observeGroups(_ observer: @escaping @Sendable (pid_t, _ started: Bool) -> Void) {
        state.withLock { state in
            precondition(state.onGroupChange == nil, "the observer of process groups is set once")
            state.onGroupChange = observer
        }
    }

    /// Starts a process. It has executed the program when this returns.
    ///
    /// - Throws: ``StintError`` that says why it cannot be started; then there is no process.
    func start(_ launch: Launch) async throws -> ChildProcess {
        let wakeUp = try wakeUp.get()
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
        let observer = state.withLock { state in
            state.children[child.id] = child
            return state.onGroupChange
        }
        if child.leadsGroup { observer?(child.id, true) }
    }

    /// Reaps a child that has ended.
    func collect(_ child: ChildProcess) {
        let observer = state.withLock { state in
            // Before it is reaped: its number may be another child's the next moment.
            state.children[child.id] = nil
            return state.onGroupChange
        }
        let end = child.reap()
        if child.leadsGroup { observer?(child.id, false) }
        child.noteEnd(end)
    }
}
