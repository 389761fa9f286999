import History
import Logging
import ServiceLifecycle
import StintCore
import StintPlatform
import StintSQLite
import StintWorker

/// A world of processes that share a queue, on one thread: the real store and the real worker, and around them a clock,
/// a scheduler and faults that a seed decides.
///
/// `@unchecked Sendable`: it has one thread.
final class World: @unchecked Sendable {
    let scheduler: Scheduler
    let plan: WorldPlan
    let logger: Logger
    let database: DatabaseOfWorld
    private(set) var events: [Event] = []
    /// Problems that the world itself has seen.
    private(set) var problems: [String] = []

    var places: [SimulatedProcess.Place] = []
    var processes: [SimulatedProcess] = []
    /// The supervisors that died with their processes.
    var deadSupervisors: Set<Int32> = []
    /// Until when a program holds the write lock of the database.
    var lockedUntil: Int64 = 0
    private(set) var boots = 1
    /// For the places in their order, and then for the supervisors of the workers.
    let stores: [StoresOfProcess]
    static let mostStores = 3 + 2 * WorldPlan.mostWorkers
    private var bootedAt: Int64 = 0
    private var numbers = 0
    /// The version of the database at the last notification of a commit.
    var lastVersion: Int64 = -1
    /// Set with the first worker.
    var revocationMark: (any RevocationMark)?
    var lastRevocation: UInt64 = 0
    var dice: Dice { scheduler.dice }

    /// Whether there are no faults from now on.
    var isCalm = false
    /// Whether processes that end are not replaced.
    var isClosing = false
    var jobsToEnqueue: [JobPlan]
    /// By reference: how often its handler has started.
    var runs: [String: Int] = [:]
    /// By reference: how often it has killed its process.
    var deaths: [String: Int] = [:]
    /// How many of these can be proved.
    var provableDeaths: [String: Int] = [:]
    var jobs: [String: JobID] = [:]
    /// How often its death, or its silence, could be attributed to the job.
    var suspicions: [String: Int] = [:]
    var references: [JobID: String] = [:]

    init(seed: UInt64, stores: [StoresOfProcess], database: DatabaseOfWorld, logger: Logger) {
        scheduler = Scheduler(seed: seed)
        plan = WorldPlan(scheduler.dice)
        self.logger = logger
        self.stores = stores
        self.database = database
        jobsToEnqueue = plan.jobs.sorted { $0.time < $1.time }
        places = [
            .init(name: "producer", kind: .producer, stores: stores[0], nature: .plain),
            .init(name: "house", kind: .house, stores: stores[1], nature: .plain),
            .init(name: "reaper", kind: .reaper, stores: stores[2], nature: .plain),
        ]
        for (number, workers) in plan.workers.enumerated() {
            places.append(
                .init(
                    name: "worker-\(number + 1)", kind: .workers(workers), stores: stores[3 + number],
                    nature: plan.natures[number], bootID: plan.bootIDs[number]))
        }
    }

    // MARK: - Time and dice

    /// As a place sees it: a container can have a boot id of its own, or hide it.
    func boot(of place: SimulatedProcess.Place?) -> String {
        switch place?.bootID ?? .machines {
        case .machines: "boot-\(boots)"
        case .own: "boot-\(boots) of \(place!.name)"
        case .hidden: "unknown"
        }
    }

    /// - Parameter place: The place that reads the clock; `nil`: the machine itself.
    func now(of place: SimulatedProcess.Place? = nil) -> ClockReading {
        ClockReading(
            wall: scheduler.wall / 1_000_000, monotonic: (scheduler.now - bootedAt) / 1_000_000, boot: boot(of: place))
    }

    /// All writers wait for the holder of the lock, and they go on in a random order.
    func waitForLock() async throws {
        guard scheduler.now < lockedUntil else { return }
        let patience = scheduler.now + Duration.seconds(30).nanoseconds
        while scheduler.now < lockedUntil {
            guard scheduler.now < patience else {
                throw StintError(.databaseBusy, "a program holds the lock of the simulated database")
            }
            await scheduler.pause(.nanoseconds(min(lockedUntil - scheduler.now, 500_000_000)))
        }
        await scheduler.pause(.microseconds(dice.int(0...5_000)))
    }

    func nextNumber() -> Int {
        numbers += 1
        return numbers
    }

    func happens(_ percent: Int) -> Bool { percent > 0 && !isCalm && dice.happens(percent) }

    /// The delay of a call to the store, or of its answer.
    func delay() async {
        guard plan.distance > .zero, !isCalm, dice.happens(50) else { return }
        let longest = Int(plan.distance.nanoseconds / 1_000)
        await scheduler.pause(.microseconds(dice.int(0...longest) * (dice.happens(2) ? 20 : 1)))
    }

    func problem(_ text: String) {
        problems.append(text)
    }

    func log(of name: String) -> HistoryLog {
        HistoryLog(
            process: name, clock: { [unowned self] in scheduler.now }, keep: { [unowned self] in events.append($0) })
    }

    private(set) lazy var faultLog = log(of: "faults")

    /// The tasks of processes that were killed never end, and keep a reference to their world.
    func forget() {
        for process in processes { process.forget() }
        (events, processes, places) = ([], [], [])
        scheduler.forget()
    }

    // MARK: - Processes

    func start(_ place: SimulatedProcess.Place) {
        guard !isClosing else { return }
        // A job that kills its process where that cannot be proved is never buried: some day it must run where it can
        // be proved.
        if isCalm { place.becomeOrdinary() }
        let process = SimulatedProcess(
            place, boot: boot(of: place), generation: boots, number: Int32(nextNumber()), log: log)
        processes.append(process)
        process.store = RecordingStore(
            makeStore(for: process), process.log, clock: SimulatedClock(world: self, place: place))
        place.stores.clock.lend(SimulatedClock(world: self, place: place))
        process.log.append(.began(supervisor: process.supervisor == nil ? nil : "house"))
        scheduler.perform(as: process) {
            let task = Task {
                await self.live(process)
                process.log.append(.ended)
                process.hasEnded = true
                process.state = .dead
                self.scheduler.run(as: self.scheduler.faults) { self.isOver(process, .stopped) }
            }
            process.cancel = { task.cancel() }
        }
    }

    /// From now on it sends and does nothing.
    func kill(_ process: SimulatedProcess, with supervisor: Bool = false, by culprit: Lease? = nil) {
        guard process.state != .dead else { return }
        process.state = .dead
        process.place.stores.finish(process)
        process.log.append(.killed)
        // If a process has no supervisor, it cannot be known that more than this process has ended.
        if !supervisor || process.nature == .plain { suspect(process, culprit) }
        if supervisor { endSupervisor(of: process) }
        process.abandonLocks()
        scheduler.run(as: scheduler.faults) { self.isOver(process, .died("was killed", nil)) }
    }

    func stop(_ process: SimulatedProcess, for duration: Duration) {
        guard process.state == .running else { return }
        process.state = .stopped
        process.wasStopped = true
        process.log.append(.stopped)
        scheduler.run(after: duration, as: scheduler.faults) { self.goOn(process) }
    }

    func goOn(_ process: SimulatedProcess) {
        guard process.state == .stopped else { return }
        process.log.append(.continued)
        process.state = .running
        scheduler.release(process)
    }

    /// Its end is noticed, perhaps, and another process follows.
    private func isOver(_ process: SimulatedProcess, _ end: WorkerEnd) {
        let house = processes.last { $0.place.name == "house" && $0.state != .dead }
        let hasSupervisor = process.supervisor != nil && !deadSupervisors.contains(process.identity.processID)
        if hasSupervisor, let socket = process.socket {
            reclaimThroughSocket(from: process, end, socket)
        } else if hasSupervisor, let house {
            scheduler.run(after: dice.milliseconds(0...20), as: house) {
                Task { await self.reclaim(from: process, end, as: house) }
            }
        } else {
            endSupervisor(of: process)
        }
        scheduler.run(after: dice.milliseconds(20...1_500), as: scheduler.faults) {
            if process.generation == self.boots { self.start(process.place) }
        }
    }

    private func endSupervisor(of process: SimulatedProcess) {
        if let socket = process.socket { return endSupervisor(socket.supervisor) }
        deadSupervisors.insert(process.identity.processID)
        process.supervisorFile?.abandon()
    }

    /// As the supervisor does it, until it has succeeded.
    func reclaim(from process: SimulatedProcess, _ end: WorkerEnd, as supervisor: SimulatedProcess) async {
        let store = supervisor.store!
        while true {
            do {
                let identity = WorkerProcess(process.identity)
                let workers = try await store.workers().filter { $0.registration.process == identity }
                guard !workers.isEmpty else { return }
                _ = try await store.reclaim(from: workers.map(\.id), end)
                return
            } catch {
                logger.debug("the jobs of \(process.name) could not be reclaimed: \(error)")
                await scheduler.pause(.milliseconds(100))
            }
        }
    }

    func reboot() {
        for process in processes where process.state != .dead {
            process.state = .dead
            process.place.stores.finish(process)
            process.log.append(.killed)
            if process.isWorker { endSupervisor(of: process) }
            process.abandonLocks()
        }
        boots += 1
        bootedAt = scheduler.now
        let boots = boots
        for place in places {
            scheduler.run(after: dice.milliseconds(100...2_000), as: scheduler.faults) {
                if boots == self.boots { self.start(place) }
            }
        }
    }

    func queue(of process: SimulatedProcess) -> JobQueue<RecordingStore> {
        JobQueue(store: process.store!)
    }
}

/// The clocks of a simulated machine.
struct SimulatedClock: QueueClock {
    let world: World
    let place: SimulatedProcess.Place?

    func now() -> ClockReading { world.now(of: place) }
}
