/// How often something was tried within a time, for each key. It is in memory: a restart of the site forgets it.
struct AttemptCounter<Key: Hashable> {
    /// Below this number of keys, expired ones are not removed.
    private static var fewKeys: Int { 1_000 }

    let most: Int
    let period: Duration
    /// How many keys are known at once. Then a tenth is forgotten: those with the fewest attempts, and of these those whose
    /// time ends first. So a new key is never refused for want of room, and one that may try no more is forgotten last.
    let mostKeys: Int
    private var attempts: [Key: (count: Int, end: ContinuousClock.Instant)] = [:]
    /// The number of keys at which expired ones are removed next.
    private var sweepsAt = Self.fewKeys

    /// - Parameter mostKeys: No limit by default, for keys that cannot be made up, such as members.
    init(most: Int, period: Duration, mostKeys: Int = .max) {
        self.most = most
        self.period = period
        self.mostKeys = mostKeys
    }

    var keys: Int { attempts.count }

    /// Counts an attempt. The time of a key begins with its first one.
    ///
    /// - Returns: Whether it may be made.
    mutating func take(_ key: Key, at now: ContinuousClock.Instant) -> Bool {
        if let known = attempts[key], known.end > now {
            guard known.count < most else { return false }
            attempts[key] = (known.count + 1, known.end)
            return true
        }
        if attempts[key] == nil { makeRoom(at: now) }
        attempts[key] = (1, now + period)
        return true
    }

    /// It was right, or was not made: it does not count.
    mutating func giveBack(_ key: Key) {
        guard let known = attempts[key] else { return }
        attempts[key] = known.count > 1 ? (known.count - 1, known.end) : nil
    }

    mutating func forget(_ key: Key) { attempts[key] = nil }

    private mutating func makeRoom(at now: ContinuousClock.Instant) {
        guard attempts.count >= min(sweepsAt, mostKeys) else { return }
        attempts = attempts.filter { $0.value.end > now }
        if attempts.count >= mostKeys {
            let least = attempts.sorted { ($0.value.count, $0.value.end) < ($1.value.count, $1.value.end) }
            for (key, _) in least.prefix(max(1, mostKeys / 10)) { attempts[key] = nil }
        }
        sweepsAt = max(Self.fewKeys, attempts.count * 2)
    }
}
