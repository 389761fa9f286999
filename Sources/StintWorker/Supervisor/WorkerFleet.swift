import Logging
import StintCore

/// The supervisor's side: a slot for each worker, in which one process follows the other.
actor WorkerFleet {
    let store: any JobStore
    let clock: any MomentClock
    let options: SupervisorOptions
    let logger: Logger
    private let manager = ServiceManager()
    private var program = ""
    /// Proves to others that this process lives, and sees to its workers.
    private var sign: (any SupervisorSign)?

    private(set) var isStopping = false
    /// Why the store cannot be used any more.
    var loss: (any Error)?
    /// Everything that runs, also successors that are not in their slot yet.
    private(set) var children: [ObjectIdentifier: WorkerChild] = [:]
    /// By the number of the slot that they will take.
    var successors: [Int: Life] = [:]
    /// By slot: what runs there now.
    private(set) var current: [Int: WorkerChild] = [:]
    private var ready: Set<Int> = []
    var trouble = StartTrouble()
    /// Ends early when there is another worker to watch.
    var watchNap: Task<Void, Never>?
    var restarting: Task<Void, Never>?
    var restartsAsked = 0
    /// Waiting for a delay to pass or for the order to stop.
    private var naps: [Task<Void, Never>] = []

    init(store: any JobStore, clock: any MomentClock, options: SupervisorOptions, logger: Logger) {
        self.store = store
        self.clock = clock
        self.options = options
        self.logger = logger
    }

    func run() async throws {
        program = try ownProgramPath()
        sign = await registerSupervisor()
        // Each may have a successor beside it for a while.
        _ = DescriptorLimit.makeRoom(forCommands: 2 * options.workers)
        let duties = [
            Task { await self.watchChildren() },
            Task { await self.obeyRestartRequests() },
        ]
        defer {
            for duty in duties { duty.cancel() }
            watchNap?.cancel()
            sign?.end()
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 1...options.workers { group.addTask { await self.keep(number) } }
        }
        // It may be about to send a successor home.
        await restarting?.value
        if let loss { throw loss }
    }

    private func registerSupervisor() async -> (any SupervisorSign)? {
        do {
            return try await store.registerSupervisor()
        } catch {
            logger.warning(
                "no other process can see that this supervisor lives: jobs of workers that die with it come back late",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: - One slot

    private func keep(_ number: Int) async {
        while !isStopping || successors[number] != nil {
            guard let life = await nextLife(number) else { continue }
            current[number] = life.child
            let end = await life.attendance.value
            current[number] = nil
            noteLoss(by: life.child)
            if end.isDrained && successors[number] == nil { return }
            if let delay = judge(life.child, end), !isStopping { await pause(delay) }
        }
    }

    /// The successor that is there already, or a new process; `nil` where it cannot be started, after a delay.
    private func nextLife(_ number: Int) async -> Life? {
        if let successor = successors.removeValue(forKey: number) { return successor }
        do {
            return try await start(number)
        } catch {
            await pause(trouble.failed(number, "\(error)", logger))
            return nil
        }
    }

    func start(_ number: Int) async throws -> Life {
        let child = try await WorkerChild.start(number, options, program: program, sign: sign?.name)
        children[ObjectIdentifier(child)] = child
        watchNap?.cancel()
        Task { if await child.becomesReady() { noteReady(child) } }
        // The order to stop may have come while it was being started.
        if isStopping { child.tellToStop() }
        return Life(child: child, attendance: Task { await self.attend(child) })
    }

    /// A process from its start until its jobs are taken back, whether or not it has its slot already.
    struct Life {
        let child: WorkerChild
        let attendance: Task<LifeEnd, Never>
    }

    struct LifeEnd {
        let dossier: Dossier
        /// Its orderly end, because nothing was left to do.
        let isDrained: Bool
        /// It said why it ends, and did.
        let isOrderly: Bool
        /// How many jobs it had started and not ended.
        let started: Int
    }

    private func attend(_ child: WorkerChild) async -> LifeEnd {
        let (end, dossier) = await child.end()
        children[ObjectIdentifier(child)] = nil
        let isOrderly = child.ending == .lost || end.exitCode == 0 && child.ending != nil
        let isOrdered = isOrderly || isStopping || end.isAsOrdered
        let started = await takeBack(from: child, dossier, isOrdered: isOrdered)
        return LifeEnd(
            dossier: dossier, isDrained: isOrderly && child.ending == .drained, isOrderly: isOrderly, started: started)
    }

    /// - Returns: How long to wait before its successor starts; `nil` where nothing was wrong.
    private func judge(_ child: WorkerChild, _ end: LifeEnd) -> Duration? {
        // Nothing is known of its jobs once the database is gone.
        if child.isToldToStop || end.isOrderly || loss != nil { return nil }
        let how = child.sentence(end.dossier)
        let hasStarted = child.readySince.map { ContinuousClock.now - $0 >= StartTrouble.proof } ?? false
        // A job that it had started is to blame, and is buried some day; anything else can go on for ever.
        guard end.started > 0 || hasStarted else { return trouble.failed(child.number, how, logger) }
        trouble.succeeded(child.number, logger)
        logger.error(
            "a worker died and is replaced",
            metadata: [
                "worker": "\(child.number)", "process": "\(child.process.id)", "how": "\(how)",
                "jobs": "\(end.started)",
            ])
        return nil
    }

    // MARK: - The jobs that it leaves behind

    /// - Returns: How many of them it had started.
    private func takeBack(from child: WorkerChild, _ dossier: Dossier, isOrdered: Bool) async -> Int {
        let cause: WorkerEnd =
            child.isToldToStop || isOrdered ? .stopped : .died(child.sentence(dossier), dossier)
        var failures = 0
        while true {
            do {
                let workers = try await store.workers().filter { $0.registration.process == child.identity }
                guard !workers.isEmpty else { return 0 }
                let report = try await store.takeBack(from: workers.map(\.id), cause, now: clock.now())
                return workers.reduce(0) { $0 + ($1.started?.count ?? report.requeued + report.buried) }
            } catch  where noteLoss() {
                return 0
            } catch {
                failures += 1
                logger.error(
                    "the jobs of a dead worker could not be taken back; trying again",
                    metadata: ["worker": "\(child.number)", "error": "\(error)"])
                // Their leases run out, and any reaper takes them back sooner.
                if isStopping && failures > 5 { return 0 }
                await Self.sleep(min(.milliseconds(50) * (1 << min(failures, 6)), .seconds(2)))
            }
        }
    }

    // MARK: - Readiness

    private func noteReady(_ child: WorkerChild) {
        watchNap?.cancel()
        guard ready.insert(child.number).inserted, ready.count == options.workers else { return }
        manager.tell(.ready)
    }

    // MARK: - Orders

    /// Orderly, within the grace period.
    func stop() async {
        guard !isStopping else { return }
        isStopping = true
        manager.tell(.stopping)
        for nap in naps { nap.cancel() }
        for child in children.values { child.tellToStop() }
        // Handlers get the grace period, then SIGTERM and SIGKILL; that, and settling, takes the worker a while.
        await Self.sleep(options.gracePeriod + .seconds(12))
        stopAtOnce()
    }

    func stopAtOnce() {
        isStopping = true
        for nap in naps { nap.cancel() }
        for child in children.values { child.kill(because: nil) }
    }

    // MARK: - Waiting

    /// Ends early when the order to stop comes.
    private func pause(_ duration: Duration) async {
        let nap = Task { await Self.sleep(duration) }
        naps.append(nap)
        await nap.value
        naps.removeAll { $0 == nap }
    }

    /// The sleep of a cancelled task ends early.
    static func sleep(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch { return }
    }
}
