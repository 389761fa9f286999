import ArgumentParser
import Stint
import StintCore

/// Whether jobs cost more where many others wait.
struct WaitingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waiting", abstract: "Jobs among ten million waiting ones in PostgreSQL, and among few.")

    @Option(help: "How many jobs wait in the large database.")
    var jobs = 10_000_000

    @Option(help: "How many jobs wait in the small one.")
    var small = 10_000

    @Option(help: "How often both take turns; the median of the rounds' ratios counts.")
    var rounds = 9

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 2.0

    @Option(help: "How many jobs are enqueued, claimed and acknowledged at once.")
    var batch = 64

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs > small, small >= batch, batch >= 1, rounds >= 1, seconds > 0 else {
            throw ValidationError("--jobs must be above --small, that not below --batch, and all others above 0.")
        }
    }

    func run() async throws {
        try await common.report("postgres waiting") { _ in
            try await server.withServer { server in
                var databases: [String] = []
                for number in [small, jobs] {
                    say("filling a database with \(count(number, "job"))")
                    let database = try await server.database()
                    try await fill(database, number, server)
                    databases.append(database)
                }
                try await server.checkpoint()
                let fleet = try Fleet()
                var turns: [[Double]] = [[], []]
                for round in 0..<rounds {
                    for place in round % 2 == 0 ? [0, 1] : [1, 0] {
                        turns[place].append(try await turn(databases[place], fleet))
                    }
                }
                return WaitingFindings(server: server.facts, numbers: [small, jobs], microsecondsPerJob: turns)
            }
        }
    }

    /// As the store's enqueue leaves them.
    private func fill(_ database: String, _ jobs: Int, _ server: BenchServer) async throws {
        for start in stride(from: 0, to: jobs, by: 500_000) {
            let number = min(500_000, jobs - start)
            try await server.ask(
                """
                WITH queue AS MATERIALIZED (SELECT id FROM stint.queues WHERE name = '\(StintWorkload.queue)'),
                new AS (
                    INSERT INTO stint.jobs (id, queue_id, priority, max_attempts, max_crashes, enqueued_at,
                                            content_type, payload)
                    SELECT nextval('stint.job_ids'), queue.id, 1024, 10, 3, stint.now_ms(), 'application/octet-stream',
                           convert_to(repeat('x', \(Backlog.payload.count)), 'UTF8')
                    FROM queue, generate_series(1, \(number))
                    RETURNING id, queue_id, priority
                ), ready AS (
                    INSERT INTO stint.ready (job_id, queue_id, attempts, crashes, suspect, priority)
                    SELECT id, queue_id, 0, 0, false, priority FROM new ORDER BY id
                )
                INSERT INTO stint.tallies AS t (queue_id, start, slot, ready, enqueued)
                SELECT id, 0, -1, \(number), \(number) FROM queue
                ON CONFLICT (queue_id, start, slot) DO UPDATE SET ready = t.ready + excluded.ready,
                    enqueued = t.enqueued + excluded.enqueued
                """, in: database)
        }
        try await server.ask("VACUUM ANALYZE", in: database)
    }

    /// - Returns: The microseconds that one job took.
    private func turn(_ database: String, _ fleet: Fleet) async throws -> Double {
        let assignment = Assignment(
            design: .stintLife, database: database, durability: .full, batch: batch, seconds: seconds, warmUp: 8,
            keepsIDs: false)
        let report = try await fleet.run([assignment])[0]
        return Double(report.finished) / 1_000 / Double(report.done)
    }
}

struct WaitingFindings: Findings {
    let server: String
    let numbers: [Int]
    let microsecondsPerJob: [[Double]]

    private var ratios: [Double] { zip(microsecondsPerJob[1], microsecondsPerJob[0]).map { $0 / $1 } }

    var grids: [Grid] {
        var grid = Grid("enqueue, claim and ack, one process", "µs a job", "of rounds", "to the small one", "of rounds")
        for (place, number) in numbers.enumerated() {
            let times = microsecondsPerJob[place]
            grid.add(
                "\(Double(number).text()) waiting", times.median.text(1), Self.span(times, 1),
                place == 0 ? "" : "\(ratios.median.text(2)) x", place == 0 ? "" : Self.span(ratios, 2))
        }
        return [Grid(server), grid]
    }

    private static func span(_ values: [Double], _ digits: Int) -> String {
        "\((values.min() ?? 0).text(digits)) - \((values.max() ?? 0).text(digits))"
    }

    var expectations: [Expectation] {
        [
            Expectation(
                "a job among \(Double(numbers[1]).text()), to one among \(Double(numbers[0]).text())", .atMost, 1.3,
                reached: ratios.median)
        ]
    }
}
