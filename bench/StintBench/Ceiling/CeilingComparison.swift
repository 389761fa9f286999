/// One point at which Stint and the same statements in plain C are compared.
struct CeilingCase: Codable, Sendable {
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
    var payloadBytes = Backlog.payload.count

    var title: String {
        let size = payloadBytes < 1_000 ? "\(payloadBytes) B" : "\(payloadBytes / 1_000) kB"
        return "\(life.rawValue), \(durability.rawValue.uppercased()), batch \(batch), \(size)"
    }

    /// Every life at every durability, as `run` shows them.
    static func all(batch: Int) -> [CeilingCase] {
        Life.allCases.flatMap { life in
            SyncMode.allCases.map { CeilingCase(life: life, durability: $0, batch: batch) }
        }
    }
}

/// Stint's share of what the same statements reach in plain C, one process against one.
struct CeilingComparison: Encodable, Sendable {
    let life: CeilingCase.Life
    let durability: SyncMode
    let batch: Int
    let payloadBytes: Int
    let title: String
    /// Jobs per second of each round. The rounds alternate, so that a disk that slows down slows both.
    let stint: [Double]
    let plainC: [Double]
    /// The medians of the CPU time of a job.
    let stintCPUMicrosecondsPerJob: Double
    let plainCCPUMicrosecondsPerJob: Double

    /// The median of the rounds' shares.
    let share: Double

    init(_ point: CeilingCase, stint: [Measurement], plainC: [Measurement]) {
        life = point.life
        durability = point.durability
        batch = point.batch
        payloadBytes = point.payloadBytes
        title = point.title
        self.stint = stint.map(\.jobsPerSecond)
        self.plainC = plainC.map(\.jobsPerSecond)
        stintCPUMicrosecondsPerJob = stint.map(\.cpuMicrosecondsPerJob).median
        plainCCPUMicrosecondsPerJob = plainC.map(\.cpuMicrosecondsPerJob).median
        share = zip(self.stint, self.plainC).map { $1 > 0 ? $0 / $1 : 0 }.median
    }

    /// - Parameter jobs: How many wait at the start, if the life begins with a claim.
    static func run(
        _ cases: [CeilingCase], rounds count: Int, seconds: Double, backlog: Backlog, jobs: Int, _ fleet: Fleet
    ) async throws -> [CeilingComparison] {
        var comparisons: [CeilingComparison] = []
        for point in cases {
            say("the ceiling, \(point.title)")
            var rounds: [Design: [Measurement]] = [:]
            for _ in 0..<count {
                for design in [point.life.stint, point.life.plainC] {
                    let assignment = Assignment(
                        design: design, durability: point.durability, batch: point.batch,
                        payloadBytes: point.payloadBytes, seconds: seconds)
                    let jobs = point.life == .whole ? 0 : jobs
                    let measurement = try await fleet.measure(assignment, workers: 1, jobs: jobs, on: backlog)
                    rounds[design, default: []].append(measurement)
                }
            }
            comparisons.append(
                CeilingComparison(
                    point, stint: rounds[point.life.stint] ?? [], plainC: rounds[point.life.plainC] ?? []))
        }
        return comparisons
    }

    static func grid(_ comparisons: [CeilingComparison]) -> Grid {
        var grid = Grid("The ceiling, one process", "Stint/s", "plain C/s", "share", "of rounds", "CPU µs a job")
        for row in comparisons {
            let shares = zip(row.stint, row.plainC).map { $1 > 0 ? $0 / $1 : 0 }.sorted()
            grid.add(
                row.title, row.stint.median.text(), row.plainC.median.text(), row.share.text(2),
                "\((shares.first ?? 0).text(2)) - \((shares.last ?? 0).text(2))",
                "\(row.stintCPUMicrosecondsPerJob.text(1)) : \(row.plainCCPUMicrosecondsPerJob.text(1))")
        }
        return grid
    }
}
