import ArgumentParser
import Stint
import StintCore
import StintPlatform
import StintPostgres

/// What a transaction that is open for long costs the jobs beside it: all rows that are dead since it began stay.
struct HeldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "held",
        abstract: "Jobs at a steady rate in PostgreSQL, before, during and after an idle transaction.")

    @Option(help: "Jobs a second.")
    var rate = 2_000

    @Option(help: "How many jobs are enqueued at once.")
    var enqueueBatch = 20

    @Option(help: "How many worker processes.")
    var workers = 4

    @Option(help: "The most jobs that a worker claims at once.")
    var batch = 16

    @Option(help: "How many seconds before the transaction begins. The first five are not counted.")
    var clean = 20

    @Option(help: "How many seconds the transaction is open.")
    var held = 120

    @Option(help: "How many seconds after it.")
    var after = 20

    @Option(help: "How many seconds a row of the table has.")
    var window = 10

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    /// The seconds at the beginning that are not counted: connections are made, and the server plans its statements.
    static let warmUp = 5

    func validate() throws {
        guard min(rate, enqueueBatch, workers, batch, held, after, window) >= 1, clean > Self.warmUp else {
            throw ValidationError("All numbers must be at least 1, and --clean above \(Self.warmUp).")
        }
    }

    func run() async throws {
        try await common.report("held") { _ in
            try await server.withServer { server in
                let database = try await server.database()
                let times = HeldTimes(clean: clean, held: held, after: after)
                let producer = HeldRole(
                    database: database, work: .enqueue(rate: rate, batch: enqueueBatch), seconds: times.total)
                let worker = HeldRole(database: database, work: .claim(batch: batch), seconds: times.total)
                say("held, \(times.total) s")
                let roles = [producer] + Array(repeating: worker, count: workers)
                let reports = try await Fleet().run(roles) { barrier in
                    try await Self.hold(database, times, barrier)
                }
                return HeldFindings(
                    server: server.facts, rate: rate, window: window, times: times, reports: reports)
            }
        }
    }

    /// Opens the transaction, and reaps all the while, as beside any worker.
    private static func hold(_ database: String, _ times: HeldTimes, _ barrier: StartBarrier) async throws {
        let queue = try await JobQueue(.postgres(database))
        let reaper = Task { try await Reaper(queue, logger: .quiet).run() }
        defer { reaper.cancel() }
        var options = PostgresConnections.Options()
        options.idleInTransactionTimeout = .seconds(times.total + 60)
        let connections = try PostgresConnections(database, options: options)
        try await sleep(until: barrier, second: times.clean)
        try await connections.transaction { sql in
            _ = try await sql.run(
                [
                    PostgresStatement("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
                    PostgresStatement("SELECT count(*) FROM stint.queues"),
                ])
            say("the transaction is open")
            try await sleep(until: barrier, second: times.clean + times.held)
        }
        say("the transaction has ended")
        await connections.close()
        try await sleep(until: barrier, second: times.total)
    }

    private static func sleep(until barrier: StartBarrier, second: Int) async throws {
        let rest = barrier.nanoseconds + Int64(second) * 1_000_000_000 - MonotonicClock.nanoseconds()
        try await Task.sleep(for: .nanoseconds(max(0, rest)))
    }
}

/// The parts of a run, in seconds.
struct HeldTimes: Codable, Sendable {
    let clean: Int
    let held: Int
    let after: Int

    var total: Int { clean + held + after }
}
