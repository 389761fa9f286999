// A service that embeds the queue: it enqueues single jobs, many at once and inside its own transaction, and runs them
// in the same process. Run it with `swift run EmbeddedExample`; it ends when all jobs are done.

import GRDB
import Logging
import ServiceLifecycle
import Stint

struct SendNewsletter: JobParameters {
    static let jobName = "newsletter.send"
    var issue: Int
    var member: Int
}

struct SendReceipt: JobParameters {
    static let jobName = "receipt.send"
    var order: Int64
}

@main
struct Example {
    static func main() async throws {
        let logger = Logger(label: "example")

        // The application's own database and connection; Stint's tables are in the same file.
        var configuration = Configuration()
        configuration.prepareDatabase { try SQLiteStore.prepareConnection($0) }
        let database = try DatabaseQueue(path: "example.db", configuration: configuration)
        try await database.write { db in
            try db.execute(sql: "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT, receipt TEXT)")
        }

        let queue = try await JobQueue(.sqlite("example.db"))

        // One job, and many at once.
        try await queue.enqueue(SendNewsletter(issue: 7, member: 42), in: "mail", delay: .milliseconds(500))
        try await queue.enqueue(contentsOf: (1...10).map { SendNewsletter(issue: 7, member: $0) }, in: "mail")

        // In the transaction of the order that it belongs to: both exist, or neither.
        try await database.write { db in
            try db.execute(sql: "INSERT INTO orders (item) VALUES ('a book')")
            try queue.enqueue(SendReceipt(order: db.lastInsertedRowID), in: "mail", with: db)
        }

        var options = Worker.Options()
        options.drains = true  // a service leaves this out and runs until SIGTERM
        var worker = Worker(queue, queues: ["mail"], concurrency: 8, options: options)
        worker.registerJob(SendNewsletter.self, retry: .exponential(maxAttempts: 5)) { job, context in
            guard job.member > 0 else { throw JobVerdict.bury("member \(job.member) does not exist") }
            context.logger.info("issue \(job.issue) goes to member \(job.member)")
        }
        worker.registerJob(SendReceipt.self) { job, context in
            // The handler's own write and the ack are one transaction: the receipt is noted exactly once.
            try await database.write { db in
                try db.execute(sql: "UPDATE orders SET receipt = 'sent' WHERE id = ?", arguments: [job.order])
                try queue.ack(context, with: db)
            }
        }

        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: Reaper(queue)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()

        for stats in try await queue.stats() {
            print("\(stats.name): \(stats.done) done, \(stats.buried) buried")
        }
    }
}
