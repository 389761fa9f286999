/// Kills and stops members of a company at random, for the siege's duration.
struct Fate {
    private let siege: Siege
    private let company: Company
    private var chance: Chance

    init(_ siege: Siege, _ company: Company) {
        self.siege = siege
        self.company = company
        chance = Chance(siege.seed)
    }

    mutating func strike() async throws -> (kills: [Role: Int], stops: Int) {
        let end = ContinuousClock.now + siege.duration
        var kills: [Role: Int] = [:]
        var stops = 0
        // In any order, each after a while of random length that is the right one on average.
        var deeds = (Array(repeating: true, count: siege.kills) + Array(repeating: false, count: siege.stops))
            .shuffled(using: &chance)
        let pause = siege.duration / Double(deeds.count + 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            while let isKill = deeds.popLast() {
                try await Task.sleep(for: pause * Double.random(in: 0.5...1.5, using: &chance))
                guard let member = await company.living.randomElement(using: &chance) else {
                    deeds.append(isKill)
                    continue
                }
                if isKill {
                    await company.kill(member)
                    kills[member.role, default: 0] += 1
                } else {
                    let duration = siege.lease * Double.random(in: 1...2.5, using: &chance)
                    group.addTask { [company] in try await company.pause(member, for: duration) }
                    stops += 1
                }
            }
            try await Task.sleep(until: end, clock: .continuous)
            try await group.waitForAll()
        }
        return (kills, stops)
    }
}
