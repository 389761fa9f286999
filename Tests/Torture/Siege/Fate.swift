import Foundation
import History

/// Kills, stops, freezes and locks out the members of a company at random, for the siege's duration.
struct Fate {
    private let siege: Siege
    private let company: Company
    private let replacement: Replacement
    private var chance: Chance

    /// What can happen to a company.
    private enum Deed {
        case kill, stop
        /// Somebody who knows no gate holds the write lock.
        case lock
        /// All are stopped, as in a container that is paused.
        case freeze
        /// SIGTERM to every process of a tree, as systemd and the end of a session send it.
        case order
        /// A copy of the database takes its place.
        case replace
        /// The command of `stint work` is not there.
        case move

        var name: String {
            switch self {
            case .kill: "kills"
            case .stop: "stops"
            case .lock: "long locks"
            case .freeze: "freezes"
            case .order: "orders to trees"
            case .replace: "replaced databases"
            case .move: "missing commands"
            }
        }
    }

    init(_ siege: Siege, _ company: Company, _ log: HistoryLog) {
        self.siege = siege
        self.company = company
        replacement = Replacement(siege, company, log)
        chance = Chance(siege.seed)
    }

    mutating func strike() async throws -> (kills: [Role: Int], deeds: [String: Int]) {
        let end = ContinuousClock.now + siege.duration
        var kills: [Role: Int] = [:]
        var others: [String: Int] = [:]
        // In any order, each after a while of random length that is the right one on average.
        var deeds = plan().shuffled(using: &chance)
        let pause = siege.duration / Double(deeds.count + 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            while let deed = deeds.popLast() {
                try await Task.sleep(for: pause * Double.random(in: 0.5...1.5, using: &chance))
                guard let member = await company.living.randomElement(using: &chance) else {
                    deeds.append(deed)
                    continue
                }
                let duration = siege.lease * Double.random(in: 1...2.5, using: &chance)
                let seed = UInt64.random(in: 0..<1 << 32, using: &chance)
                if deed == .kill {
                    await company.kill(member)
                    kills[member.role, default: 0] += 1
                    continue
                }
                others[deed.name, default: 0] += 1
                group.addTask { [company, siege, replacement] in
                    switch deed {
                    case .kill: break
                    case .stop: try await company.pause(member, for: duration)
                    case .lock: try await Self.holdLock(of: siege.database, for: duration)
                    case .freeze: try await company.pauseAll(for: duration)
                    case .order: await company.orderTree(of: member)
                    case .replace: try await replacement.happen(seed)
                    case .move: try await Self.takeAway(siege.handler, for: .milliseconds(1_000))
                    }
                }
            }
            try await Task.sleep(until: end, clock: .continuous)
            try await group.waitForAll()
        }
        return (kills, others)
    }

    private func plan() -> [Deed] {
        let counts: [(Deed, Int)] = [
            (.kill, siege.kills), (.stop, siege.stops), (.lock, siege.locks), (.freeze, siege.freezes),
            (.order, siege.orders), (.replace, siege.replacements), (.move, siege.moves),
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
