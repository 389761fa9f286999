import ArgumentParser
import StintPostgres

/// The whole life of jobs, and what it writes to the write-ahead log.
struct LifeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "life", abstract: "Enqueue, claim and ack in PostgreSQL: jobs a second and bytes of log.")

    @Option(help: "How often each row is measured.")
    var rounds = 5

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 3.0

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    /// Processes, and jobs a batch.
    private static let shapes = [(1, 64), (4, 64), (4, 16), (16, 16)]

    func validate() throws {
        guard rounds >= 1, seconds > 0 else { throw ValidationError("--rounds and --seconds must be above 0.") }
    }

    func run() async throws {
        try await common.report("postgres life") { _ in
            try await server.withServer { server in
                let database = try await server.database()
                let fleet = try Fleet()
                var series = Self.shapes.map { LifeSeries(processes: $0, batch: $1) }
                for _ in 0..<rounds {
                    for index in series.indices {
                        say("life, \(series[index].title)")
                        series[index].add(try await turn(series[index], database, server, fleet))
                    }
                }
                return LifeFindings(server: server.facts, series: series)
            }
        }
    }

    /// After a checkpoint, so that all changed pages are written to the log once as a whole.
    private func turn(
        _ series: LifeSeries, _ database: String, _ server: BenchServer, _ fleet: Fleet
    ) async throws -> LifeTurn {
        let assignment = Assignment(
            design: .stintLife, database: database, durability: .full, batch: series.batch, seconds: seconds,
            keepsIDs: false)
        let before = try await server.ask("SELECT count(*) FROM stint.jobs", in: database)[0].int(0)
        try await server.checkpoint()
        let start = try await server.logPosition()
        let reports = try await fleet.run(Array(repeating: assignment, count: series.processes))
        let log = try await server.log(since: start)
        let (enqueued, done) = reports.reduce((0, 0)) { ($0.0 + $1.enqueued, $0.1 + $1.done) }
        let left = try await server.ask("SELECT count(*) FROM stint.jobs", in: database)[0].int(0)
        guard enqueued - done == left - before else {
            throw BenchError("\(enqueued) jobs were enqueued and \(done) done, and \(left - before) more are left")
        }
        let jobs = Double(done)
        let waits = Waits(reports.map(\.waits))
        return LifeTurn(
            jobsPerSecond: jobs / (Double(reports.map(\.finished).max() ?? 0) / 1e9),
            recordBytes: log.recordBytes / jobs, pageBytes: log.pageBytes / jobs,
            exchangeP99: waits?.millisecondsP99 ?? 0,
            kinds: log.kinds.mapValues { $0 / jobs })
    }
}

struct LifeTurn: Encodable {
    let jobsPerSecond: Double
    /// Of the write-ahead log a job, without the images of whole pages, and of these.
    let recordBytes: Double
    let pageBytes: Double
    let exchangeP99: Double
    /// The bytes by kinds of records.
    let kinds: [String: Double]
}

struct LifeSeries: Encodable {
    let processes: Int
    let batch: Int
    private(set) var turns: [LifeTurn] = []

    init(processes: Int, batch: Int) {
        self.processes = processes
        self.batch = batch
    }

    mutating func add(_ turn: LifeTurn) { turns.append(turn) }

    var title: String { "\(count(processes, "process").replacing("processs", with: "processes")), batch \(batch)" }

    func median(_ value: (LifeTurn) -> Double) -> Double { turns.map(value).median }
}

struct LifeFindings: Findings {
    let server: String
    let series: [LifeSeries]

    var grids: [Grid] {
        var grid = Grid(
            "enqueue, claim and ack", "jobs/s", "of rounds", "an exchange p99 ms", "log bytes a job", "and whole pages")
        for row in series {
            let rates = row.turns.map(\.jobsPerSecond)
            grid.add(
                row.title, rates.median.text(), "\((rates.min() ?? 0).text()) - \((rates.max() ?? 0).text())",
                row.median(\.exchangeP99).text(1), row.median(\.recordBytes).text(), row.median(\.pageBytes).text())
        }
        var kinds = Grid("records of the log, \(series[0].title), the last round", "bytes a job")
        for (kind, bytes) in (series[0].turns.last?.kinds ?? [:]).sorted(by: { $0.value > $1.value }).prefix(12) {
            kinds.add(kind, bytes.text(1))
        }
        return [Grid(server), grid, kinds]
    }

    var expectations: [Expectation] {
        series.filter { $0.batch == 64 && $0.processes == 4 }.flatMap {
            [
                Expectation(
                    "the log of a job's whole life, \($0.title)", .atMost, 650, reached: $0.median(\.recordBytes),
                    unit: "bytes"),
                Expectation(
                    "the same with whole pages after a checkpoint, \($0.title)", .atMost, 650,
                    reached: $0.median { $0.recordBytes + $0.pageBytes }, unit: "bytes"),
            ]
        }
    }
}
