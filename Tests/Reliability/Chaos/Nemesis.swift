import Foundation
import History
import TestSupport

/// Kills, stops, freezes and locks out the processes of a group at random, for the run's duration.
struct Nemesis {
    private let run: ChaosRun
    private let processes: ProcessGroup
    private let replacement: Replacement
    private var chance: SeededGenerator

    /// What can happen to the processes.
    private enum Action {
        case kill, stop
        /// A program that does not know the gate holds the write lock.
        case lock
        /// All are stopped, as in a container that is paused.
        case freeze
        /// SIGTERM to every process of a tree, as systemd and the end of a session send it.
        case order
        /// A copy of the database takes its place.
        case replace
        /// The command of `stint work` is not there.
        case move
        /// The server ends all connections.
        case disconnect
        /// The server is stopped in order, and started again.
        case restart
        /// The server is killed, and started again.
        case crash

        var name: String {
            switch self {
            case .kill: "kills"
            case .stop: "stops"
            case .lock: "long locks"
            case .freeze: "freezes"
            case .order: "orders to trees"
            case .replace: "replaced databases"
            case .move: "missing commands"
            case .disconnect: "lost connections"
            case .restart: "restarts of the server"
            case .crash: "crashes of the server"
            }
        }
    }

    init(_ run: ChaosRun, _ processes: ProcessGroup, _ log: HistoryLog) {
        self.run = run
        self.processes = processes
        replacement = Replacement(run, processes, log)
        chance = SeededGenerator(seed: run.seed)
    }

    mutating func strike() async throws -> (kills: [Role: Int], actions: [String: Int]) {
        let end = ContinuousClock.now + run.duration
        var kills: [Role: Int] = [:]
        var others: [String: Int] = [:]
        // In any order, each after a while of random length that is the right one on average.
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
                let seed = UInt64.random(in: 0..<1 << 32, using: &chance)
                if action == .kill {
                    await processes.kill(member)
                    kills[member.role, default: 0] += 1
                    continue
                }
                others[action.name, default: 0] += 1
                group.addTask { [processes, run, replacement] in
                    switch action {
                    case .kill: break
                    case .stop: try await processes.pause(member, for: duration)
                    case .lock: try await Self.holdLock(of: run.database, for: duration)
                    case .freeze: try await processes.pauseAll(for: duration)
                    case .order: await processes.orderTree(of: member)
                    case .replace: try await replacement.happen(seed)
                    case .move: try await Self.takeAway(run.handler, for: .milliseconds(1_000))
                    case .disconnect:
                        try await run.server?.cluster.endConnections()
                        try await run.failovers?.endConnections()
                    case .restart: try await run.server?.cluster.restart()
                    case .crash: try await run.server?.cluster.crash()
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
            (.order, run.orders), (.replace, run.replacements), (.move, run.moves),
            (.disconnect, run.disconnects), (.restart, run.restarts), (.crash, run.crashes),
        ]
        return counts.flatMap { Array(repeating: $0.0, count: $0.1) }
    }

    /// As a deploy does that removes the old program first.
    private static func takeAway(_ program: String, for duration: Duration) async throws {
        guard rename(program, program + "-away") == 0 else { return }  // already gone
        try await Task.sleep(for: duration)
        guard rename(program + "-away", program) == 0 else { throw HistoryError("\(program) cannot be put back") }
    }

    private static func holdLock(of database: String, for duration: Duration) async throws {
        let lock = try await WriteLock(of: database)
        try await Task.sleep(for: duration)
        try await lock.release()
    }
}
