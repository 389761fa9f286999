import Logging
import StintCore

/// The supervisor's workers: a slot for each, in which one process follows the other.
actor WorkerPool {
    let store: any JobStore
    let options: SupervisorOptions
    let logger: Logger
    /// Answers the workers' requests to the store; `nil` if they use it by themselves.
    private let storeServer: StoreServer?
    private let manager = ServiceManager()
    private var program = ""
    /// Proves to other processes that this supervisor lives and reclaims its workers' jobs.
    private var sign: (any SupervisorSign)?

    private(set) var isStopping = false
    /// Why the store cannot be used any more.
    var loss: (any Error)?
    /// All running workers, including successors that are not in their slot yet.
    private(set) var children: [ObjectIdentifier: WorkerChild] = [:]
    /// Successors by the number of their future slot.
    var successors: [Int: MonitoredChild] = [:]
    /// The worker that runs now, by slot.
    private(set) var current: [Int: WorkerChild] = [:]
    private var ready: Set<Int> = []
    var startBackoff = StartBackoff()
    /// Cancelled when there is another worker to watch.
    var watchDelay: Task<Void, Never>?
    var restarting: Task<Void, Never>?
    var restartsAsked = 0
    /// Delays that the order to stop cancels.
    private var delays: [Task<Void, Never>] = []

    init(store: any JobStore, options: SupervisorOptions, logger: Logger) {
        self.store = store
        self.options = options
        self.logger = logger
        storeServer = Self.sharedStore(store, options).map(StoreServer.init)
    }

    /// The store that the supervisor uses for its workers; `nil`: they use it by themselves.
    private static func sharedStore(_ store: any JobStore, _ options: SupervisorOptions) -> (any SharedStore)? {
        guard let shared = store.unwrapped as? any SharedStore else { return nil }
        let helps = options.workers > 1 || shared.helpsSingleWorker
        return options.sharesWriter ?? helps ? shared : nil
    }

    func run() async throws {
        program = try executablePath()
        storeServer?.store.becomeSupervisor(of: options.workers)
        sign = await registerSupervisor()
        // Each worker may have a successor beside it for a while.
        _ = DescriptorLimit.makeRoom(forCommands: 2 * options.workers)
        let duties = [
            Task { await self.watchChildren() },
            Task { await self.obeyRestartRequests() },
        ]
        defer {
            for duty in duties { duty.cancel() }
            watchDelay?.cancel()
            sign?.release()
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 1...options.workers { group.addTask { await self.runSlot(number) } }
        }
        // It may be about to stop a successor.
        await restarting?.value
        if let loss { throw loss }
    }

    private func registerSupervisor() async -> (any SupervisorSign)? {
        do {
            return try await store.registerSupervisor()
        } catch {
            logger.warning(
                "this supervisor cannot prove that it lives: if it dies, its workers' jobs are reclaimed late",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: - One slot

    private func runSlot(_ number: Int) async {
        while !isStopping || successors[number] != nil {
            guard let worker = await nextProcess(number) else { continue }
            current[number] = worker.child
            let end = await worker.monitoring.value
            current[number] = nil
            noteLoss(by: worker.child)
            if end.endsSlot && successors[number] == nil { return }
            if let delay = delayAfter(worker.child, end), !isStopping { await pause(delay) }
        }
    }

    /// The waiting successor, or a new process; `nil`, after a delay, if it cannot be started.
    private func nextProcess(_ number: Int) async -> MonitoredChild? {
        if let successor = successors.removeValue(forKey: number) { return successor }
        do {
            return try await start(number)
        } catch {
            await pause(startBackoff.failed(number, "\(error)", logger))
            return nil
        }
    }

    func start(_ number: Int) async throws -> MonitoredChild {
        let child = try await WorkerChild.start(number, options, program: program, sign: sign?.name, storeServer)
        children[ObjectIdentifier(child)] = child
        watchDelay?.cancel()
        Task { if await child.becomesReady() { noteReady(child) } }
        // The order to stop may have come while it was being started.
        if isStopping { child.tellToStop() }
        return MonitoredChild(child: child, monitoring: Task { await self.monitor(child) })
    }

    /// A process from its start until its jobs are reclaimed, whether or not it has its slot already.
    struct MonitoredChild {
        let child: WorkerChild
        let monitoring: Task<WorkerProcessEnd, Never>
    }

    struct WorkerProcessEnd {
        let diagnostics: AttemptDiagnostics
        /// Whether it ended in an orderly way and no other follows: nothing was left to do, or a person has stopped it.
        let endsSlot: Bool
        /// Whether it announced why it ends, and ended.
        let isOrderly: Bool
        /// How many jobs it had started and not ended.
        let started: Int
    }

    private func monitor(_ child: WorkerChild) async -> WorkerProcessEnd {
        let (end, diagnostics) = await child.waitForExit()
        children[ObjectIdentifier(child)] = nil
        if child.hasMisbehaved {
            logger.critical(
                "a worker was killed because it sent its supervisor an invalid message, or read no replies; its jobs are not blamed",
                metadata: ["worker": "\(child.number)", "process": "\(child.process.id)"])
        }
        let isOrderly = child.ending == .lost || end.exitCode == 0 && child.ending != nil
        let isOrdered = isOrderly || isStopping || end.isAsOrdered
        let started = await reclaim(from: child, diagnostics, isOrdered: isOrdered)
        return WorkerProcessEnd(
            diagnostics: diagnostics, endsSlot: isOrderly && (child.ending == .drained || child.ending == .dismissed),
            isOrderly: isOrderly,
            started: started)
    }

    /// - Returns: How long to wait before its successor starts; `nil` if no delay is needed.
    private func delayAfter(_ child: WorkerChild, _ end: WorkerProcessEnd) -> Duration? {
        if child.hasMisbehaved {
            return startBackoff.failed(child.number, "sent its supervisor an invalid message", logger)
        }
        // Nothing is known of its jobs once the database is gone.
        if child.hasOrderToStop || end.isOrderly || loss != nil { return nil }
        let how = child.sentence(end.diagnostics)
        let hasStarted = child.readySince.map { ContinuousClock.now - $0 >= StartBackoff.proof } ?? false
        // If it had started a job, that is to blame and buried in the end. Any other cause may repeat for ever.
        guard end.started > 0 || hasStarted else { return startBackoff.failed(child.number, how, logger) }
        startBackoff.succeeded(child.number, logger)
        logger.error(
            "a worker died and is replaced",
            metadata: [
                "worker": "\(child.number)", "process": "\(child.process.id)", "how": "\(how)",
                "jobs": "\(end.started)",
            ])
        return nil
    }

    // MARK: - Reclaiming jobs

    /// - Returns: How many jobs it had started.
    private func reclaim(from child: WorkerChild, _ diagnostics: AttemptDiagnostics, isOrdered: Bool) async -> Int {
        let cause: WorkerEnd =
            child.hasOrderToStop || isOrdered ? .stopped : .died(child.sentence(diagnostics), diagnostics)
        var backoff = BackoffCounter(.store)
        while true {
            do {
                let process = WorkerProcess(child.identity)
                let workers = try await store.workers().filter { $0.registration.process == process }
                guard !workers.isEmpty else { return 0 }
                let report = try await store.reclaim(from: workers.map(\.id), cause)
                return workers.reduce(0) { $0 + ($1.started?.count ?? report.requeued + report.buried) }
            } catch  where noteLoss() {
                return 0
            } catch {
                let delay = backoff.next()
                logger.error(
                    "the jobs of a dead worker could not be reclaimed; trying again",
                    metadata: ["worker": "\(child.number)", "error": "\(error)"])
                // Their leases run out, or a reaper reclaims them sooner.
                if isStopping && backoff.failures > 5 { return 0 }
                await Self.sleep(delay)
            }
        }
    }

    // MARK: - Readiness

    private func noteReady(_ child: WorkerChild) {
        watchDelay?.cancel()
        guard ready.insert(child.number).inserted, ready.count == options.workers else { return }
        manager.send(.ready)
    }

    // MARK: - Orders

    /// Stops all workers in an orderly way, within the grace period.
    func stop() async {
        guard !isStopping else { return }
        isStopping = true
        manager.send(.stopping)
        for delay in delays { delay.cancel() }
        for child in children.values { child.tellToStop() }
        // After the grace period handlers get SIGTERM and SIGKILL; that and settling take a while.
        await Self.sleep(options.gracePeriod + .seconds(12))
        stopAtOnce()
    }

    func stopAtOnce() {
        isStopping = true
        for delay in delays { delay.cancel() }
        for child in children.values { child.kill(because: nil) }
    }

    // MARK: - Waiting

    /// Waits; the order to stop ends the wait.
    private func pause(_ duration: Duration) async {
        let delay = Task { await Self.sleep(duration) }
        delays.append(delay)
        await delay.value
        delays.removeAll { $0 == delay }
    }

    /// The sleep of a cancelled task ends early.
    static func sleep(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch { return }
    }
}
