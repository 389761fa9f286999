/// How often something was tried within a time, for each key. It is in memory: a restart of the site forgets it.
struct AttemptCounter {
    /// How many keys are known at once. Then a tenth is forgotten: those whose time ends first.
    static let mostKeys = 10_000

    let most: Int
    let period: Duration
    private var attempts: [String: (count: Int, end: ContinuousClock.Instant)] = [:]

    init(most: Int, period: Duration) {
        self.most = most
        self.period = period
    }

    var keys: Int { attempts.count }

    /// Counts an attempt. The time of a key begins with its first one.
    ///
    /// - Returns: Whether it may be made.
    mutating func take(_ key: String, at now: ContinuousClock.Instant) -> Bool {
        if let known = attempts[key], known.end > now {
            guard known.count < most else { return false }
            attempts[key] = (known.count + 1, known.end)
            return true
        }
        if attempts[key] == nil, attempts.count >= Self.mostKeys { makeRoom(at: now) }
        attempts[key] = (1, now + period)
        return true
    }

    /// It was right, or was not made: it does not count.
    mutating func giveBack(_ key: String) {
        guard let known = attempts[key] else { return }
        attempts[key] = known.count > 1 ? (known.count - 1, known.end) : nil
    }

    mutating func forget(_ key: String) { attempts[key] = nil }

    private mutating func makeRoom(at now: ContinuousClock.Instant) {
        attempts = attempts.filter { $0.value.end > now }
        guard attempts.count >= Self.mostKeys else { return }
        let oldest = attempts.sorted { $0.value.end < $1.value.end }.prefix(Self.mostKeys / 10)
        for (key, _) in oldest { attempts[key] = nil }
    }
}
