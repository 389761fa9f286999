/// Stint's share of what the same statements reach in plain C, one process against one.
struct CeilingComparison: Codable, Sendable {
    /// Which part of a job's life.
    enum Life: String, Codable, CaseIterable {
        case claimAndAck = "claim and ack"
        case whole = "enqueue, claim and ack"

        var stint: Design { self == .claimAndAck ? .stint : .stintLife }
        var plainC: Design { self == .claimAndAck ? .ceiling : .ceilingLife }
    }

    let life: Life
    let durability: SyncMode
    let batch: Int
    /// Jobs a second of each round. The rounds alternate, so that a disk that slows down slows both.
    let stint: [Double]
    let plainC: [Double]
    /// The medians of what a job costs.
    let stintCPUMicrosecondsPerJob: Double
    let plainCCPUMicrosecondsPerJob: Double

    /// The median of the rounds' shares.
    let share: Double

    init(life: Life, durability: SyncMode, batch: Int, stint: [Measurement], plainC: [Measurement]) {
        self.life = life
        self.durability = durability
        self.batch = batch
        self.stint = stint.map(\.jobsPerSecond)
        self.plainC = plainC.map(\.jobsPerSecond)
        stintCPUMicrosecondsPerJob = stint.map(\.cpuMicrosecondsPerJob).median
        plainCCPUMicrosecondsPerJob = plainC.map(\.cpuMicrosecondsPerJob).median
        share = zip(self.stint, self.plainC).map { $1 > 0 ? $0 / $1 : 0 }.median
    }

    static func run(
        _ settings: Settings, _ backlog: Backlog, _ fleet: Fleet, progress: (String) -> Void
    ) async throws -> [CeilingComparison] {
        var comparisons: [CeilingComparison] = []
        for life in Life.allCases {
            for durability in SyncMode.allCases {
                progress("the ceiling, \(life.rawValue), \(durability.rawValue)")
                var rounds: [Design: [Measurement]] = [:]
                for _ in 0..<settings.ceilingRounds {
                    for design in [life.stint, life.plainC] {
                        let assignment = Assignment(
                            design: design, database: "", durability: durability, jobMicroseconds: 0,
                            batch: settings.batchWithoutWait, burst: 0, seconds: settings.ceilingSeconds)
                        let jobs = life == .whole ? 0 : settings.jobs
                        let measurement = try await fleet.measure(assignment, workers: 1, jobs: jobs, on: backlog)
                        rounds[design, default: []].append(measurement)
                    }
                }
                comparisons.append(
                    CeilingComparison(
                        life: life, durability: durability, batch: settings.batchWithoutWait,
                        stint: rounds[life.stint] ?? [], plainC: rounds[life.plainC] ?? []))
            }
        }
        return comparisons
    }
}
