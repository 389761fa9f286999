/// The task of one worker process.
struct Assignment: Role {
    static let name = RoleName.worker

    var design: Design
    var database = ""
    var durability: SyncMode
    var jobMicroseconds = 0
    var batch = 1
    var payloadBytes = Backlog.payload.count
    /// How many jobs a claim says that it could start at once; `nil`: all of the batch.
    var idleSlots: Int?
    /// The latency of this many jobs, the first of the backlog, is recorded.
    var burst = 0
    var seconds: Double
    /// Stops after this many jobs, if it is not `nil`.
    var jobLimit: Int?
    /// Batches to run before the start.
    var warmUp = 0
    /// How many callers share the process, if the design has that.
    var tasks = 1
    /// How the store waits for the write lock, if the design is one that drives the store.
    var writeLock = WriteLockSide.gate
    /// Whether each job is accounted for by its id; not for ids for which a bitmap would be too large.
    var keepsIDs = true
}

extension Assignment {
    /// Absent keys have their default: bench/peers starts workers too.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            design: try values.decode(Design.self, forKey: .design),
            durability: try values.decode(SyncMode.self, forKey: .durability),
            seconds: try values.decode(Double.self, forKey: .seconds))
        func take<Value: Decodable>(_ key: CodingKeys, _ path: WritableKeyPath<Assignment, Value>) throws {
            if let value = try values.decodeIfPresent(Value.self, forKey: key) { self[keyPath: path] = value }
        }
        try take(.database, \.database)
        try take(.jobMicroseconds, \.jobMicroseconds)
        try take(.batch, \.batch)
        try take(.payloadBytes, \.payloadBytes)
        try take(.burst, \.burst)
        jobLimit = try values.decodeIfPresent(Int.self, forKey: .jobLimit)
        idleSlots = try values.decodeIfPresent(Int.self, forKey: .idleSlots)
        try take(.warmUp, \.warmUp)
        try take(.tasks, \.tasks)
        try take(.writeLock, \.writeLock)
        try take(.keepsIDs, \.keepsIDs)
    }
}

/// The report of one worker process at its end.
struct WorkerReport: Codable, Sendable {
    var done = 0
    var enqueued = 0
    /// How often the design got "database is locked".
    var lockedErrors = 0
    /// How often another worker was faster between a look and an update.
    var lostRaces = 0
    /// Nanoseconds from the barrier to the first start of a job, and to when all finished work was on disk.
    var firstStart: Int64?
    var finished: Int64 = 0
    /// The CPU time of this process from the barrier on, user and system.
    var cpuMicroseconds: Int64 = 0
    /// Microseconds from the barrier to the start of each job of the burst, as pairs of value and count.
    var latencies: [[UInt64]] = []
    /// Microseconds that single calls of the store took, as pairs of value and count.
    var waits: [[UInt64]] = []
    /// The ids that ran; absent for the ceiling, which does not record them.
    var executed: IDSet?
    /// Ids that this worker ran twice.
    var repeated = 0
}

/// A set of job ids, as a bitmap: every job of a run is accounted for, and 200,000 of them pass a pipe in 33 kB.
struct IDSet: Codable, Sendable {
    private var words: [UInt64] = []

    /// Returns whether it was new.
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
