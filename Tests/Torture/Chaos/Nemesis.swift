import GRDB

/// Kills, stops, freezes and locks out the processes of a group at random, for the run's duration.
struct Nemesis {
    private let run: ChaosRun
    private let processes: ProcessGroup
    private var chance: Chance

    /// What can happen to the processes.
    private enum Action {
        case kill, stop
        /// A program that does not know the gate holds the write lock.
        case lock
        /// All are stopped, as in a container that is paused.
        case freeze
        /// SIGTERM to every process of a tree, as systemd and the end of a session send it.
        case order
    }

    init(_ run: ChaosRun, _ processes: ProcessGroup) {
        self.run = run
        self.processes = processes
        chance = Chance(run.seed)
    }

    mutating func strike() async throws -> (kills: [Role: Int], others: Int) {
        let end = ContinuousClock.now + run.duration
        var kills: [Role: Int] = [:]
        var others = 0
        // In any order, each after a random time; on average they fill the duration.
        var actions = plan().shuffled(using: &chance)
        let pause = run.duration / Double(actions.count + 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            while let action = actions.popLast() {
                try await Task.sleep(for: pause * Double.random(in: 0.5...1.5, using: &chance))
                guard let member = await processes.living.randomElement(using: &chance) else {
                    actions.append(action)
                    continue
                }
                let duration = run.lease * Double.random(in: 1...2.5, using: &chance)
                if action == .kill {
                    await processes.kill(member)
                    kills[member.role, default: 0] += 1
                    continue
                }
                others += 1
                group.addTask { [processes, run] in
                    switch action {
                    case .kill: break
                    case .stop: try await processes.pause(member, for: duration)
                    case .lock: try await Self.holdLock(of: run.database, for: duration)
                    case .freeze: try await processes.pauseAll(for: duration)
                    case .order: await processes.orderTree(of: member)
                    }
                }
            }
            try await Task.sleep(until: end, clock: .continuous)
            try await group.waitForAll()
        }
        return (kills, others)
    }

    private func plan() -> [Action] {
        let counts: [(Action, Int)] = [
            (.kill, run.kills), (.stop, run.stops), (.lock, run.locks), (.freeze, run.freezes),
            (.order, run.orders),
        ]
        return counts.flatMap { Array(repeating: $0.0, count: $0.1) }
    }

    private static func holdLock(of database: String, for duration: Duration) async throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(10)
        let database = try DatabaseQueue(path: database, configuration: configuration)
        try await database.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try $0.execute(sql: "BEGIN IMMEDIATE")
        }
        try await Task.sleep(for: duration)
        try await database.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try database.close()
    }
}
