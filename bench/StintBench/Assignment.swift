/// What one worker process is told to do: one JSON argument.
struct Assignment: Codable, Sendable {
    var design: Design
    var database: String
    var durability: SyncMode
    var jobMicroseconds: Int
    var batch: Int
    /// The latency of so many jobs, the first of the backlog, is recorded.
    var burst: Int
    var seconds: Double
}

/// What one worker process says at its end: one line of JSON.
struct WorkerReport: Codable, Sendable {
    var done = 0
    /// How often the design heard "database is locked".
    var lockedErrors = 0
    /// How often another worker was faster between a look and an update.
    var lostRaces = 0
    /// Nanoseconds from the gun to the first start of a job, and to when all that was done was on disk.
    var firstStart: Int64?
    var finished: Int64 = 0
    /// Of this process from the gun on, user and system.
    var cpuMicroseconds: Int64 = 0
    /// Microseconds from the gun to the start of each job of the burst, as pairs of value and count.
    var latencies: [[UInt64]] = []
    /// Which ids ran; absent for the ceiling, which does not look.
    var executed: IDSet?
    /// Ids that this worker ran twice.
    var repeated = 0
}

/// A set of job ids, as a bitmap: every job of a run is accounted for, and 200,000 of them pass a pipe in 33 kB.
struct IDSet: Codable, Sendable {
    private var words: [UInt64] = []

    /// Whether it was new.
    mutating func insert(_ id: Int64) -> Bool {
        let (word, bit) = (Int(id >> 6), UInt64(1) << UInt64(id & 63))
        if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
        defer { words[word] |= bit }
        return words[word] & bit == 0
    }

    mutating func formUnion(_ other: IDSet) {
        if other.words.count > words.count {
            words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
        }
        for (index, word) in other.words.enumerated() { words[index] |= word }
    }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    func contains(_ id: Int64) -> Bool {
        let word = Int(id >> 6)
        return word < words.count && words[word] & (UInt64(1) << UInt64(id & 63)) != 0
    }
}
