import StintCore

/// What is in a simulated world and what happens to it, from its seed.
struct WorldPlan: Sendable {
    var jobs: [JobPlan] = []
    var workers: [[WorkerPlan]] = []
    var natures: [SimulatedProcess.Place.Nature] = []
    var bootIDs: [SimulatedProcess.Place.BootID] = []
    /// How long faults happen; afterwards there are none, and the queues are worked off.
    var unrest: Duration
    var misfortunes: [Fault] = []
    /// How many of 100 calls to the store are refused, and how many have an unknown outcome.
    var refusals = 0
    /// The longest of the usual delays of a call to the store.
    var distance: Duration
    /// How many of 100 wake-ups are lost.
    var lostWakeUps = 0
    var reaperInterval: Duration
    var schedules: [SchedulePlan] = []
    /// The limits that the queues begin with.
    var limits: [QueueName: QueueSettings] = [:]
    /// Whether supervisors write for their workers.
    var sharesWriter = false

    /// Something that happens at a time.
    struct Fault: Sendable {
        let time: Duration
        let kind: Kind

        enum Kind: Sendable {
            /// SIGKILL for one of the processes.
            case kill
            /// Its supervisor dies at the same moment.
            case killWithSupervisor
            /// SIGSTOP, and SIGCONT after a while.
            case stop(Duration)
            /// A deployment: it is ordered to end.
            case shutDown
            case wallClockJumps(Duration)
            case reboot
            case operatorPauses(resumesAfter: Duration)
            /// A program holds the write lock.
            case locks(Duration)
            /// All processes are stopped, as in a container that is paused.
            case freezesAll(Duration)
            /// SIGTERM to all workers, as at the end of a session, and SIGKILL to all and their supervisors after a while.
            case stopsTree(killAfter: Duration)
            /// A container is killed: all workers and their supervisors.
            case killsTree
            case operatorKicks, operatorBuries, operatorDeletes, operatorCancels
            /// Begins an operation that kicks; whoever reaps makes its steps.
            case operatorKicksAll
            /// Buries a job that runs and kicks it, so that its holder comes too late.
            case operatorRetries
            /// SIGKILL for a supervisor that writes for its workers; they end by themselves.
            case killsSupervisor
            /// SIGSTOP for all supervisors that write for their workers, and SIGCONT after a while.
            case stopsSupervisors(Duration)
            case operatorLimits(QueueName, QueueSettings)
            case operatorWeighs(QueueName, group: String, Int)
        }
    }

    /// Whether an operator takes jobs away from their holders.
    var hasOperator: Bool {
        misfortunes.contains {
            switch $0.kind {
            case .operatorBuries, .operatorDeletes, .operatorCancels, .operatorRetries: true
            case .kill, .killWithSupervisor, .stop, .shutDown, .wallClockJumps, .reboot, .operatorPauses,
                .operatorKicks, .operatorKicksAll, .locks, .freezesAll, .stopsTree, .killsTree, .operatorLimits,
                .operatorWeighs, .killsSupervisor, .stopsSupervisors:
                false
            }
        }
    }

    var disturbsSupervisors: Bool {
        misfortunes.contains {
            switch $0.kind {
            case .killsSupervisor, .stopsSupervisors: true
            case .kill, .killWithSupervisor, .stop, .shutDown, .wallClockJumps, .reboot, .operatorPauses,
                .operatorKicks, .operatorKicksAll, .operatorBuries, .operatorDeletes, .operatorCancels,
                .operatorRetries, .locks, .freezesAll, .stopsTree, .killsTree, .operatorLimits, .operatorWeighs:
                false
            }
        }
    }

    /// Whether it can be known how each worker ended.
    var provesDeaths: Bool {
        zip(natures, bootIDs).allSatisfy { nature, boot in
            nature == .supervised || nature == .plain && boot == .machines
        }
    }

    var hasLongLock: Bool {
        misfortunes.contains { if case .locks = $0.kind { true } else { false } }
    }

    /// How many processes a job can kill if nothing else happens: each death for which no single job can be blamed
    /// makes suspects, and the next one of each is known.
    var mostDeaths: Int { 2 * jobs.reduce(0) { $0 + $1.killings } }

    /// How many places of workers there are at most.
    static let mostWorkers = 4
    static let queues: [QueueName] = ["mail", "push", "sms"].map { try! QueueName($0) }

    init(_ dice: Dice) {
        unrest = dice.milliseconds(2_000...15_000)
        distance = dice.one(of: [.zero, .microseconds(300), .milliseconds(5), .milliseconds(5), .milliseconds(200)])
        reaperInterval = dice.milliseconds(500...5_000)
        if dice.happens(25) { refusals = dice.int(1...5) }
        if dice.happens(50) { lostWakeUps = dice.one(of: [5, 50, 100]) }
        let queues = Array(Self.queues.prefix(dice.int(1...3)))
        for number in 1...dice.int(3...14) { jobs.append(JobPlan("job-\(number)", queues, unrest, dice)) }
        for number in 1...dice.int(2...Self.mostWorkers) {
            natures.append(dice.one(of: [.supervised, .supervised, .plain, .plain, .foreign]))
            // A supervisor and its workers read the same one.
            let bootID: SimulatedProcess.Place.BootID = dice.one(of: [.machines, .own, .own, .hidden])
            bootIDs.append(natures.last == .supervised ? .machines : bootID)
            // The first one serves every queue.
            workers.append(
                (1...dice.one(of: [1, 1, 1, 2])).map { _ in WorkerPlan(number == 1 ? queues : nil, queues, dice) })
        }
        let severity = dice.one(of: [0, 2, 4, 8])
        for _ in 0..<severity { add(Self.fault(dice), dice) }
        if dice.happens(25) { for _ in 1...dice.int(1...4) { add(.operatorCancels, dice) } }
        if dice.happens(20) { addEvents(dice.one(of: queues), dice) }
        if dice.happens(25) { for _ in 1...dice.int(1...4) { add(.operatorRetries, dice) } }
        if dice.happens(50) { addGroups(queues, dice) }
        schedules = Self.schedules(in: queues, setsClock: setsClock, dice)
        if dice.happens(50) { addRepeats(dice) }
        sharesWriter = dice.happens(70)
        if sharesWriter, dice.happens(40) {
            for _ in 1...dice.int(1...3) {
                add(
                    dice.one(of: [
                        .killsSupervisor, .stopsSupervisors(dice.milliseconds(100...4_000)),
                        .stopsSupervisors(dice.milliseconds(4_000...30_000)),
                    ]), dice)
            }
        }
    }

    /// Some jobs have idempotency keys, and are enqueued again, as by producers that do not know whether they were. Some
    /// come again when the clock was set ahead by more than a day, and are jobs of their own then.
    private mutating func addRepeats(_ dice: Dice) {
        for index in jobs.indices where dice.happens(40) {
            jobs[index].options.idempotencyKey = dice.happens(10) ? "shared" : jobs[index].reference
            for number in 1...dice.int(1...3) {
                var again = jobs[index]
                again.reference += " again \(number)"
                again.time = dice.one(of: [again.time, again.time + dice.milliseconds(0...3_000), unrest + .seconds(1)])
                jobs.append(again)
            }
        }
    }

    /// Events of one key, one after the other, whose digests fail at first, so that some come while it is claimed.
    private mutating func addEvents(_ queue: QueueName, _ dice: Dice) {
        for number in 1...dice.int(4...10) {
            var job = JobPlan(quick: "event-\(number)", queue, unrest, dice)
            job.behaviour = .fails(times: dice.int(1...2))
            (job.options.uniqueKey, job.options.onConflict) = ("events", .collect)
            job.time = .microseconds(dice.int(0...Int(unrest.nanoseconds / 2_000)))
            jobs.append(job)
        }
    }

    private mutating func add(_ kind: Fault.Kind, _ dice: Dice) {
        misfortunes.append(Fault(time: .microseconds(dice.int(0...Int(unrest.nanoseconds / 1_000))), kind: kind))
    }

    static let groups = ["acme", "bolt", "corp"]

    /// Most jobs have a group, there are more of them, and the queues have limits.
    private mutating func addGroups(_ queues: [QueueName], _ dice: Dice) {
        let groups = Array(Self.groups.prefix(dice.int(2...3)))
        for index in jobs.indices where dice.happens(70) { jobs[index].join(dice.one(of: groups)) }
        let main = dice.one(of: queues)
        for number in 1...dice.int(5...25) {
            var job = JobPlan(quick: "quick-\(number)", main, unrest, dice)
            // One of them has most of the jobs.
            if dice.happens(80) { job.join(dice.one(of: [groups[0], groups[0], dice.one(of: groups)])) }
            jobs.append(job)
        }
        for queue in queues where dice.happens(75) { limits[queue] = Self.limits(dice) }
        if dice.happens(40) {
            for _ in 1...dice.int(1...3) { add(.operatorLimits(dice.one(of: queues), Self.limits(dice)), dice) }
        }
        if dice.happens(30) { add(.operatorWeighs(main, group: dice.one(of: groups), dice.int(1...4)), dice) }
    }

    private static func limits(_ dice: Dice) -> QueueSettings {
        func rate(_ percent: Int) -> Limit<Rate> {
            dice.happens(percent) ? .to(Rate(dice.int(1...4), per: dice.milliseconds(300...4_000))) : .unlimited
        }
        return QueueSettings(
            concurrency: dice.happens(35) ? .to(dice.int(1...3)) : .unlimited, rate: rate(25),
            groupConcurrency: dice.happens(55) ? .to(dice.one(of: [1, 1, 2])) : .unlimited, groupRate: rate(20),
            groupOrder: dice.happens(20) ? .loose : .strict, isFair: !dice.happens(20))
    }

    private static func fault(_ dice: Dice) -> Fault.Kind {
        switch dice.int(1...100) {
        case ...28: .kill
        case ...33: .killWithSupervisor
        case ...39: .locks(dice.one(of: [dice.milliseconds(100...3_000), dice.milliseconds(3_000...40_000)]))
        case ...43: .freezesAll(dice.one(of: [dice.milliseconds(100...3_000), dice.milliseconds(3_000...60_000)]))
        case ...47: .stopsTree(killAfter: dice.milliseconds(0...3_000))
        case ...50: .killsTree
        case ...60: .stop(dice.one(of: [dice.milliseconds(1...900), dice.milliseconds(1_000...60_000)]))
        case ...67: .shutDown
        case ...75: .wallClockJumps(.seconds(dice.int(-36_000...36_000)))
        case ...79: .reboot
        case ...84: .operatorPauses(resumesAfter: dice.milliseconds(10...5_000))
        case ...87: .operatorKicks
        case ...89: .operatorKicksAll
        case ...92: .operatorBuries
        case ...94: .operatorDeletes
        default: .operatorCancels
        }
    }
}
