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

    private(set) var isStopping = false
    /// Everything that runs, also successors that are not in their slot yet.
    private var children: [ObjectIdentifier: WorkerChild] = [:]
    /// By the number of the slot that they will take.
    private var successors: [Int: WorkerChild] = [:]
    /// By slot: what runs there now.
    private var current: [Int: WorkerChild] = [:]
    private var ready: Set<Int> = []
    private var trouble = StartTrouble()
    private var isRestarting = false
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
        await withTaskGroup(of: Void.self) { group in
            for number in 1...options.workers { group.addTask { await self.keep(number) } }
        }
    }

    // MARK: - One slot

    private func keep(_ number: Int) async {
        while !isStopping {
            guard let child = await nextChild(number) else { continue }
            current[number] = child
            let watch = Task { await self.watch(child) }
            let (end, dossier) = await child.end()
            watch.cancel()
            children[ObjectIdentifier(child)] = nil
            current[number] = nil
            let tookBack = await takeBack(from: child, end, dossier)
            if end.exitCode == 0 && child.ending == .drained { return }
            if let delay = judge(child, end, dossier, tookBack), !isStopping { await pause(delay) }
        }
    }

    /// The successor that is there already, or a new process; `nil` where it cannot be started, after a delay.
    private func nextChild(_ number: Int) async -> WorkerChild? {
        if let successor = successors.removeValue(forKey: number) { return successor }
        do {
            return try await start(number)
        } catch {
            await pause(trouble.failed(number, "\(error)", logger))
            return nil
        }
    }

    private func start(_ number: Int) async throws -> WorkerChild {
        let child = try await WorkerChild.start(number, options, program: program)
        children[ObjectIdentifier(child)] = child
        // The order to stop may have come while it was being started.
        if isStopping { child.tellToStop() }
        return child
    }

    /// Sees that it becomes ready, and stays awake.
    private func watch(_ child: WorkerChild) async {
        Task { if await child.becomesReady() { noteReady(child) } }
        var lastLook = ContinuousClock.now
        while !Task.isCancelled {
            do { try await Task.sleep(for: Supervision.beatInterval) } catch { return }
            // We were stopped ourselves, or the machine slept: nobody could be heard.
            if ContinuousClock.now - lastLook > Supervision.beatInterval * 5 { child.heard() }
            lastLook = .now
            noteProof(of: child)
            if child.readySince == nil, child.silence() > options.readyWithin {
                child.kill(because: "was not ready after \(options.readyWithin.components.seconds) s and was killed")
            } else if child.readySince != nil, child.silence() > options.silence {
                child.kill(because: "did not respond for \(options.silence.components.seconds) s and was killed")
            }
        }
    }

    /// - Returns: How long to wait before its successor starts; `nil` where nothing was wrong.
    private func judge(_ child: WorkerChild, _ end: ProcessEnd, _ dossier: Dossier, _ tookBack: Int) -> Duration? {
        if child.isToldToStop || end.exitCode == 0 && child.ending != nil { return nil }
        let how = child.sentence(dossier)
        let hasStarted = child.readySince.map { ContinuousClock.now - $0 >= StartTrouble.proof } ?? false
        guard tookBack > 0 || hasStarted else {
            return trouble.failed(child.number, how, logger)
        }
        trouble.succeeded(child.number, logger)
        logger.error(
            "a worker died and is replaced",
            metadata: [
                "worker": "\(child.number)", "process": "\(child.process.id)", "how": "\(how)", "jobs": "\(tookBack)",
            ])
        return nil
    }

    // MARK: - The jobs that it leaves behind

    /// - Returns: How many.
    private func takeBack(from child: WorkerChild, _ end: ProcessEnd, _ dossier: Dossier) async -> Int {
        let how = child.sentence(dossier)
        let cause: WorkerEnd = child.isToldToStop ? .stopped : .died(how, dossier)
        var failures = 0
        while true {
            do {
                let workers = try await store.workers().filter { $0.registration.process == child.identity }
                guard !workers.isEmpty else { return 0 }
                let report = try await store.takeBack(from: workers.map(\.id), cause, now: clock.now())
                return report.requeued + report.buried
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
        guard ready.insert(child.number).inserted, ready.count == options.workers else { return }
        manager.tell(.ready)
    }

    private func noteProof(of child: WorkerChild) {
        if let since = child.readySince, ContinuousClock.now - since >= StartTrouble.proof {
            trouble.succeeded(child.number, logger)
        }
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

    func restart() async {
        guard !isRestarting, !isStopping else { return }
        isRestarting = true
        defer { isRestarting = false }
        for number in 1...options.workers where !isStopping {
            guard let old = current[number] else { continue }
            do {
                let successor = try await start(number)
                let watch = Task { await self.watch(successor) }
                let isReady = await successor.becomesReady()
                watch.cancel()
                guard isReady else {
                    logger.critical(
                        "the new worker did not start; the old ones stay", metadata: ["worker": "\(number)"])
                    _ = await successor.end()
                    children[ObjectIdentifier(successor)] = nil
                    return
                }
                successors[number] = successor
                old.tellToStop()
                _ = await old.process.end()
            } catch {
                logger.critical(
                    "the new worker did not start; the old ones stay",
                    metadata: ["worker": "\(number)", "error": "\(error)"])
                return
            }
        }
        if !isStopping { logger.notice("all workers were replaced") }
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
    private static func sleep(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch { return }
    }
}
