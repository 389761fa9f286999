import StintCore
import StintPlatform
import Synchronization

/// One worker process as its supervisor sees it.
final class WorkerChild: Sendable {
    /// How often processes that it left behind are looked for: each round finds those started during the previous one.
    private static let killRounds = 100

    let number: Int
    let process: ChildProcess
    /// The identity in its registration.
    let identity: ProcessIdentity
    private let output: HandlerOutput
    private let channel: WorkerChannel
    /// Its requests to the store; `nil` if workers use this store by themselves.
    private let session: StoreSession?
    private let state: Mutex<State>

    private struct State {
        var lastHeard = ContinuousClock.now
        /// The time at which it must be ready.
        var readyBefore: ContinuousClock.Instant
        var readySince: ContinuousClock.Instant?
        var heartbeat: HeartbeatMonitor
        /// No more messages will come.
        var isSilent = false
        var waitingForReadiness: [CheckedContinuation<Bool, Never>] = []
        var ending: WorkerLoop.Ending?
        var killedBecause: String?
        var isKilled = false
        var hasOrderToStop = false
        var hasMisbehaved = false
    }

    /// Starts this program again as worker `number`.
    ///
    /// - Throws: ``StintError`` or ``StartFailure`` if the process cannot be started.
    static func start(
        _ number: Int, _ options: SupervisorOptions, program: String, sign: String?, _ store: StoreServer?
    ) async throws -> WorkerChild {
        let (channel, childEnd) = try WorkerChannel.pair()
        defer { closeAll([childEnd]) }
        let output: HandlerOutput
        do {
            // Long enough for the longest line of a handler with the prefix that the worker adds.
            output = try HandlerOutput(prefix: "worker \(number): ", longestLine: OutputLines.longestLine + 64)
        } catch {
            channel.close()
            throw error
        }
        var environment = ProcessEnvironment.ofNoJob
        for (name, value) in options.variables { environment.set(name, to: value) }
        let mark = ProcessMark.random()
        environment.set(
            SupervisorOffer.variable, to: "3 \(number) \(getpid()) \(mark.text)" + (sign.map { " \($0)" } ?? ""))
        if let store, let offer = SupervisorOffer.text(of: store.store) {
            environment.set(SupervisorOffer.storeVariable, to: offer)
        } else {
            environment.remove(SupervisorOffer.storeVariable)
        }
        environment.remove("NOTIFY_SOCKET")
        let launch = Launch(
            executable: program, arguments: options.arguments, environment: environment, standardInput: .null,
            standardOutput: output.standardOutput, standardError: output.standardError, control: childEnd,
            // A group of its own: the supervisor alone handles a terminal's keys.
            ownGroup: true, memoryLimit: options.memoryLimit, mark: mark)
        do {
            let process = try await ProcessLauncher.shared.start(launch)
            output.started()
            return WorkerChild(number, process, output, channel, options, store)
        } catch {
            await output.cancel()
            channel.close()
            throw error
        }
    }

    private init(
        _ number: Int, _ process: ChildProcess, _ output: HandlerOutput, _ channel: WorkerChannel,
        _ options: SupervisorOptions, _ store: StoreServer?
    ) {
        state = Mutex(
            State(
                readyBefore: .now + options.startupTimeout, heartbeat: HeartbeatMonitor(limit: options.heartbeatTimeout)
            ))
        self.number = number
        self.process = process
        self.output = output
        self.channel = channel
        identity = process.identity ?? ProcessIdentity(ofProcess: process.id)
        session = store.map { store in
            store.session(
                unsentBytes: { [channel] in channel.unsentBytes }, send: { [channel] in channel.send($0) })
        }
        channel.listen { [weak self] message in
            guard let self else { return }
            switch message {
            case .line(let message): hear(message)
            case .frame(let frame):
                noteSign()
                guard let session else { throw MessageDecoder.Malformed() }
                try session.receive(frame)
            case .malformed: misbehaved()
            case .end: hear(nil)
            }
        }
    }

    private func noteSign() { state.withLock { $0.lastHeard = .now } }

    private func hear(_ message: ControlMessage?) {
        let (waiting, isReady) = state.withLock { state -> ([CheckedContinuation<Bool, Never>], Bool) in
            state.lastHeard = .now
            switch message {
            case .ready: state.readySince = .now
            case .beat: break
            case .ending(let ending): state.ending = ending
            case nil: state.isSilent = true
            }
            let isReady = state.readySince != nil
            guard isReady || state.isSilent else { return ([], false) }
            defer { state.waitingForReadiness = [] }
            return (state.waitingForReadiness, isReady)
        }
        for continuation in waiting { continuation.resume(returning: isReady) }
    }

    /// It sends invalid messages or reads no replies, so it cannot work. Its jobs are not to blame.
    private func misbehaved() {
        state.withLock { $0.hasMisbehaved = true }
        kill(because: nil)
    }

    // MARK: - State

    /// Waits until it is ready (`true`) or has ended before that (`false`).
    func becomesReady() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.readySince != nil { return true }
                if state.isSilent { return false }
                state.waitingForReadiness.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    var ending: WorkerLoop.Ending? { state.withLock { $0.ending } }
    var readySince: ContinuousClock.Instant? { state.withLock { $0.readySince } }
    var readyBefore: ContinuousClock.Instant { state.withLock { $0.readyBefore } }
    /// Whether it was sent SIGKILL. It may take a moment to end.
    var isKilled: Bool { state.withLock { $0.isKilled } }
    var killedBecause: String? { state.withLock { $0.killedBecause } }
    /// Whether it has sent its supervisor an invalid message.
    var hasMisbehaved: Bool { state.withLock { $0.hasMisbehaved } }
    var hasOrderToStop: Bool { state.withLock { $0.hasOrderToStop } }

    /// When the result of ``missedHeartbeat(at:)`` may change.
    var nextHeartbeatCheck: ContinuousClock.Instant {
        state.withLock { $0.heartbeat.nextLook(lastHeard: $0.lastHeard) }
    }

    func missedHeartbeat(at now: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.heartbeat.isTooLong(lastHeard: $0.lastHeard, now: now) }
    }

    /// Forgives missed heartbeats after the supervisor itself was stopped for this long.
    func excuse(_ absence: Duration) {
        state.withLock { state in
            state.lastHeard = .now
            state.readyBefore += absence
        }
    }

    // MARK: - Ending

    /// Kills the processes that it has started, and their descendants. It does not use process groups: after its end
    /// their numbers may belong to others.
    private func killHandlers() async {
        guard let mark = process.mark else { return }
        for _ in 1...Self.killRounds where MarkedProcesses.killOnce(coveredBy: mark) > 0 {
            do { try await Task.sleep(for: .milliseconds(1)) } catch { continue }
        }
    }

    /// Orders it to stop in an orderly way.
    func tellToStop() {
        state.withLock { $0.hasOrderToStop = true }
        process.send(SIGTERM)
    }

    /// Kills it at once; its handlers are killed when it has ended.
    ///
    /// - Parameter reason: Why it is killed; `nil` if it is not to blame.
    func kill(because reason: String?) {
        state.withLock { state in
            state.isKilled = true
            if let reason { state.killedBecause = reason } else { state.hasOrderToStop = true }
        }
        process.send(SIGKILL)
    }

    /// How it ended, as the rest of a sentence.
    func sentence(_ diagnostics: AttemptDiagnostics) -> String {
        if let killedBecause { return killedBecause }
        let how =
            diagnostics.signal.map { "was killed by \($0)" } ?? "ended with \(exitText(diagnostics.exitCode ?? 0))"
        let said = output.headline ?? (diagnostics.standardError ?? "").excerpt
        return said.isEmpty ? how : "\(how): \(said)"
    }

    /// Waits for its end. If it died, the processes that it left behind are killed.
    func waitForExit() async -> (end: ProcessEnd, diagnostics: AttemptDiagnostics) {
        let end = await process.waitForExit()
        // The channel may still hold its last messages. What it claimed before its end is reclaimed after this.
        session?.workerHasEnded()
        await channel.finish()
        if end.exitCode != 0 || ending == nil { await killHandlers() }
        await session?.settled()
        await output.finish()
        var diagnostics = AttemptDiagnostics(end, standardError: output.lastErrors)
        // That would be the worker's run time. The job's is on the scoreboard.
        diagnostics.runTimeMilliseconds = nil
        return (end, diagnostics)
    }
}
