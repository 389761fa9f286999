import StintCore

/// Jobs that a worker has claimed and not started, in the order in which they start.
struct Backlog: Sendable {
    /// Those before `next` have started: taking the first one must not move the others.
    private var jobs: [LeasedJob] = []
    private var next = 0
    /// How many of those that wait run alone. Counted, since this is asked after each job.
    private var suspects = 0

    private var waiting: ArraySlice<LeasedJob> { jobs[next...] }

    var count: Int { jobs.count - next }
    var isEmpty: Bool { count == 0 }
    var first: LeasedJob? { isEmpty ? nil : jobs[next] }
    var leases: [Lease] { waiting.map(\.lease) }
    /// Of payloads and headers.
    var bytes: Int { waiting.reduce(0) { $0 + $1.bytes } }
    /// Whether one of them runs alone.
    var hasSuspect: Bool { suspects > 0 }

    mutating func append(_ claimed: [LeasedJob]) {
        jobs = isEmpty ? claimed : waiting + claimed
        next = 0
        suspects += claimed.count(where: \.runsAlone)
    }

    /// The first one starts.
    mutating func removeFirst() {
        if jobs[next].runsAlone { suspects -= 1 }
        next += 1
    }

    /// It did not start after all.
    mutating func putBackFirst() {
        next -= 1
        if jobs[next].runsAlone { suspects += 1 }
    }

    /// - Returns: Those that are removed.
    mutating func removeAll(where isRemoved: (LeasedJob) -> Bool) -> [LeasedJob] {
        let removed = waiting.filter(isRemoved)
        guard !removed.isEmpty else { return [] }
        jobs = waiting.filter { !isRemoved($0) }
        next = 0
        suspects -= removed.count(where: \.runsAlone)
        return removed
    }
}
