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

    /// The median of the rounds' shares.
    let share: Double

    init(life: Life, durability: SyncMode, batch: Int, stint: [Double], plainC: [Double]) {
        self.life = life
        self.durability = durability
        self.batch = batch
        self.stint = stint
        self.plainC = plainC
        share = zip(stint, plainC).map { $1 > 0 ? $0 / $1 : 0 }.median
    }

    static func run(
        _ settings: Settings, _ backlog: Backlog, _ fleet: Fleet, progress: (String) -> Void
    ) async throws -> [CeilingComparison] {
        var comparisons: [CeilingComparison] = []
        for life in Life.allCases {
            for durability in SyncMode.allCases {
                progress("the ceiling, \(life.rawValue), \(durability.rawValue)")
                var rates: [Design: [Double]] = [:]
                for _ in 0..<settings.ceilingRounds {
                    for design in [life.stint, life.plainC] {
                        let assignment = Assignment(
                            design: design, database: "", durability: durability, jobMicroseconds: 0,
                            batch: settings.batchWithoutWait, burst: 0, seconds: settings.ceilingSeconds)
                        let jobs = life == .whole ? 0 : settings.jobs
                        let measurement = try await fleet.measure(assignment, workers: 1, jobs: jobs, on: backlog)
                        rates[design, default: []].append(measurement.jobsPerSecond)
                    }
                }
                comparisons.append(
                    CeilingComparison(
                        life: life, durability: durability, batch: settings.batchWithoutWait,
                        stint: rates[life.stint] ?? [], plainC: rates[life.plainC] ?? []))
            }
        }
        return comparisons
    }
}
