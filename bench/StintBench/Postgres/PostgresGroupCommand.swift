import ArgumentParser
import Stint
import StintCore

/// What callers gain by sharing one process, in a PostgreSQL database.
struct PostgresGroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Tasks of one process, each with one job at a time, against one such task, in PostgreSQL.")

    @OptionGroup var options: GroupOptions

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.report("postgres group") { _ in
            try await server.withServer { server in
                let fleet = try Fleet()
                var series: [GroupSeries] = []
                for design in [Design.stintEnqueues, .stintAcks] {
                    series += try await measure(design, server, fleet)
                }
                return GroupFindings(server: server.facts, title: "PostgreSQL", expected: 8, series: series)
            }
        }
    }

    private func measure(_ design: Design, _ server: BenchServer, _ fleet: Fleet) async throws -> [GroupSeries] {
        try await options.measure(design) { tasks in
            let database = try await server.database()
            let jobs = design == .stintAcks ? leases(tasks: tasks) : 0
            try await Self.fill(database, jobs)
            try await server.checkpoint()
            let assignment = Assignment(
                design: design, database: database, durability: .full, batch: 64, seconds: options.seconds,
                tasks: tasks,
                keepsIDs: false)
            let reports = try await fleet.run([assignment])
            try await server.drop(database)
            return Measurement(assignment, workers: 1, backlog: jobs, reports: reports)
        }
    }

    /// More than can be acknowledged in a turn.
    private func leases(tasks: Int) -> Int { Int(Double(6_000 + 600 * tasks) * max(1, options.seconds)) }

    private static func fill(_ database: String, _ jobs: Int) async throws {
        let queue = try await BenchQueue(at: database)
        let job = try NewJob(Backlog.payload, in: StintWorkload.queue)
        for start in stride(from: 0, to: jobs, by: 1_000) {
            try await queue.enqueue(jobs: Array(repeating: job, count: min(1_000, jobs - start)))
        }
        await queue.store.close()
    }
}
