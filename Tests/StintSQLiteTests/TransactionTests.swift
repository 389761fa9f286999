import GRDB
import StintCore
import StintSQLite
import StoreConformance
import Testing

private struct SendReceipt: JobParameters {
    static let jobName = "receipt.send"
    var order: Int64
}

private struct Refused: Error {}

/// The application's own tables and connection in the same file as the queue.
@Suite("Jobs take part in the application's transactions")
struct TransactionTests {
    private func withApplication(
        _ body: (JobQueue<SQLiteStore>, DatabaseQueue) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        var configuration = Configuration()
        configuration.prepareDatabase { try SQLiteStore.prepareConnection($0) }
        let application = try DatabaseQueue(path: folder.database, configuration: configuration)
        try await application.write { try $0.execute(sql: "CREATE TABLE orders (id INTEGER PRIMARY KEY)") }
        let queue = try await JobQueue(.sqlite(folder.database))
        try await body(queue, application)
        try await expectSound(queue.store)
    }

    @Test("an enqueue commits with the caller's transaction, and wakes this process's workers then")
    func commit() async throws {
        try await withApplication { queue, application in
            var signals = queue.store.wakeUps(in: ["q"]).makeAsyncIterator()
            let answer = try await application.write { db in
                try db.execute(sql: "INSERT INTO orders DEFAULT VALUES")
                return try queue.enqueue(SendReceipt(order: db.lastInsertedRowID), in: "q", with: db)
            }
            #expect(await signals.next() == .now)
            let job = try #require(try await queue.claim().first)
            #expect(job.id == answer.id && job.headers["job-name"] == "receipt.send")
            #expect(String(decoding: job.payload, as: UTF8.self) == #"{"order":1}"#)
        }
    }

    @Test("a rollback takes the enqueue along, with its unique key and its counts")
    func rollback() async throws {
        try await withApplication { queue, application in
            let options = JobOptions(uniqueKey: "once")
            await #expect(throws: Refused.self) {
                try await application.write { db in
                    try queue.enqueue(SendReceipt(order: 1), in: "q", options: options, with: db)
                    throw Refused()
                }
            }
            let jobs = try await queue.claim()
            #expect(jobs.isEmpty)
            #expect(try await queue.store.stats().isEmpty)
            #expect(try await !queue.enqueue(SendReceipt(order: 1), in: "q", options: options).isDuplicate)
        }
    }

    @Test("an enqueue outside of a transaction says how it is done")
    func noTransaction() async throws {
        try await withApplication { queue, application in
            let error = await #expect(throws: StintError.self) {
                try await application.writeWithoutTransaction { db in
                    try queue.enqueue(SendReceipt(order: 1), with: db)
                }
            }
            #expect(error?.code == .invalidInput)
        }
    }

    @Test("an ack, a follow-up and the handler's own writes are one transaction: all of them or none")
    func ackWithWrites() async throws {
        try await withApplication { queue, application in
            let next = try NewJob(SendReceipt(order: 7), in: "next")
            try await queue.enqueue(SendReceipt(order: 7), in: "q")
            let first = try #require(try await queue.claim(lease: .milliseconds(10)).first)
            let context = JobContext(
                job: first, store: queue.store, worker: "test:1", logger: .init(label: "test"))

            await #expect(throws: Refused.self) {
                try await application.write { db in
                    try db.execute(sql: "INSERT INTO orders (id) VALUES (7)")
                    try queue.ack(context, enqueueing: [next], with: db)
                    throw Refused()
                }
            }
            #expect(!context.settlement.isSet)
            #expect(try await queue.store.job(first.id)?.record.state == .leased)

            try await application.write { db in
                try db.execute(sql: "INSERT INTO orders (id) VALUES (7)")
                try queue.ack(context, enqueueing: [next], with: db)
            }
            #expect(context.settlement.isSet)
            #expect(try await queue.claim().isEmpty)
            #expect(try await queue.claim(from: ["next"]).count == 1)
        }
    }

    @Test(
        "an ack in a savepoint that is rolled back leaves the job to the worker; one in a savepoint that stays does not"
    )
    func ackInSavepoint() async throws {
        try await withApplication { queue, application in
            try await queue.enqueue(SendReceipt(order: 7), in: "q")
            let job = try #require(try await queue.claim().first)
            let context = JobContext(
                job: job, store: queue.store, worker: "test:1", logger: .init(label: "test"))
            for end in [Database.TransactionCompletion.rollback, .commit] {
                try await application.write { db in
                    try db.execute(sql: "INSERT INTO orders DEFAULT VALUES")
                    try db.inSavepoint {
                        try queue.ack(context, with: db)
                        return end
                    }
                }
                #expect(context.settlement.isSet == (end == .commit))
                #expect(try await queue.store.job(job.id)?.record.state == (end == .commit ? nil : .leased))
            }
            #expect(try await application.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM orders") } == 2)
        }
    }

    @Test("a handler that lost its lease cannot commit its writes with the ack")
    func staleAckWithWrites() async throws {
        try await withApplication { queue, application in
            let id = try await queue.enqueue(SendReceipt(order: 7), in: "q").id
            let job = try #require(try await queue.claim().first)
            let context = JobContext(
                job: job, store: queue.store, worker: "test:1", logger: .init(label: "test"))
            try await queue.store.delete([id])
            let error = await #expect(throws: StintError.self) {
                try await application.write { db in
                    try db.execute(sql: "INSERT INTO orders (id) VALUES (7)")
                    try queue.ack(context, with: db)
                }
            }
            #expect(error?.code == .leaseLost)
            #expect(try await application.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM orders") } == 0)
        }
    }
}
