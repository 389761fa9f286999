import ArgumentParser
import StintPlatform
import StintPostgres
import Synchronization

/// The cost of idle workers, and of their connections.
struct PostgresIdleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "The CPU time and the queries of idle worker processes, in PostgreSQL.")

    @Option(help: "How many worker processes.")
    var workers = 16

    @Option(help: "How long they are looked at, in seconds.")
    var seconds = 30.0

    @Option(help: "How long they have before that, in seconds. The server counts some seconds late.")
    var settle = 15.0

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard workers >= 1, seconds > 0, settle >= 0 else {
            throw ValidationError("--workers and --seconds must be above 0, and --settle not below it.")
        }
    }

    func run() async throws {
        try await common.report("postgres idle") { _ in
            try await server.withServer { server in
                let database = try await server.database()
                let (settle, seconds) = (settle, seconds)
                let looks = Mutex<[ServerLook]>([])
                let role = IdleRole(database: database, settleSeconds: settle, seconds: seconds)
                say("idle, \(count(workers, "worker")), \(seconds.text()) s")
                let reports = try await Fleet().run(Array(repeating: role, count: workers)) { barrier in
                    for second in [settle, settle + seconds] {
                        let rest = barrier.nanoseconds + Int64(second * 1e9) - MonotonicClock.nanoseconds()
                        try await Task.sleep(for: .nanoseconds(max(0, rest)))
                        let look = try await ServerLook(server, database)
                        looks.withLock { $0.append(look) }
                    }
                }
                let (before, after) = looks.withLock { ($0[0], $0[1]) }
                return PostgresIdleFindings(
                    server: server.facts, workers: workers, seconds: seconds,
                    connections: after.processes.count, cpuMicroseconds: reports.reduce(0) { $0 + $1.cpuMicroseconds },
                    wakeUps: reports.reduce(0) { $0 + $1.wakeUps },
                    serverMicroseconds: after.microseconds(since: before),
                    transactions: after.transactions - before.transactions)
            }
        }
    }
}

/// What a server says of one of its databases.
private struct ServerLook {
    let transactions: Int64
    /// The CPU time of each connection's process.
    let processes: [Int64: Int64]

    init(_ server: BenchServer, _ database: String) async throws {
        let name = BenchServer.name(of: database)
        transactions = try await server.ask(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '\(name)'")[0].int(0)
        let rows = try await server.ask("SELECT pid FROM pg_stat_activity WHERE datname = '\(name)'")
        processes = Dictionary(
            uniqueKeysWithValues: try rows.map {
                (try $0.int(0), ProcessTime.microseconds(of: pid_t(try $0.int(0))) ?? 0)
            })
    }

    func microseconds(since earlier: ServerLook) -> Int64 {
        processes.reduce(0) { $0 + $1.value - (earlier.processes[$1.key] ?? 0) }
    }
}

struct PostgresIdleFindings: Findings {
    let server: String
    let workers: Int
    let seconds: Double
    let connections: Int
    let cpuMicroseconds: Int64
    let wakeUps: Int
    let serverMicroseconds: Int64
    let transactions: Int64

    private func percent(_ microseconds: Int64) -> Double { Double(microseconds) / (seconds * 1e6) * 100 }

    var grids: [Grid] {
        var grid = Grid("\(count(workers, "idle worker")), \(seconds.text()) s", "all together")
        grid.add("CPU of the workers, of one core", "\(percent(cpuMicroseconds).text(3)) %")
        grid.add("their wake-ups a second", (Double(wakeUps) / seconds).text(1))
        grid.add("their connections", Double(connections).text())
        grid.add("CPU of the server's processes for them", "\(percent(serverMicroseconds).text(3)) %")
        grid.add("transactions a second", (Double(transactions) / seconds).text(2))
        return [Grid(server), grid]
    }

    var expectations: [Expectation] {
        [
            Expectation(
                "CPU of all idle workers together, of one core", .below, 1, reached: percent(cpuMicroseconds),
                unit: "%"),
            Expectation(
                "transactions of all idle workers together", .below, 1, reached: Double(transactions) / seconds,
                unit: "a second"),
        ]
    }
}
