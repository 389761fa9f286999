import GRDB
import StintCore

/// What only the SQLite store can do: join a transaction of the application's own GRDB connection to the same file. Set
/// such connections up with ``SQLiteStore/prepareConnection(_:durability:)``.
extension JobQueue where Store == SQLiteStore {
    /// Adds a job in the caller's transaction: the job exists if the transaction commits, and not if it rolls back.
    ///
    ///     try await database.write { db in
    ///         try order.insert(db)
    ///         try queue.enqueue(SendReceipt(order: order.id), in: "mail", with: db)
    ///     }
    ///
    /// - Throws: ``StintError``; let it pass out of the transaction's closure, so that the transaction rolls back.
    @discardableResult
    public func enqueue(
        _ parameters: some JobParameters, in queue: QueueName = .default, delay: Duration? = nil,
        options: JobOptions = JobOptions(), with database: Database
    ) throws -> Enqueued {
        let job = try NewJob(parameters, in: queue, options: options.with(delay: delay).withTraceContext())
        return try enqueue(jobs: [job], with: database)[0]
    }

    /// Adds jobs of any kinds and queues in the caller's transaction.
    @discardableResult
    public func enqueue(jobs: [NewJob], with database: Database) throws -> [Enqueued] {
        let answers = try joining(database, .enqueue) { try $0.enqueue(jobs) }
        database.afterNextTransaction { [store] _ in
            EnqueueMetrics.count(jobs, answers)
            store.announce()
        }
        return answers
    }

    /// Acknowledges a job in the caller's transaction, with follow-up jobs. The handler's own writes and the ack happen
    /// together or not at all, so the job's effect on this database happens exactly once.
    ///
    /// If a savepoint is rolled back, an ack in it is rolled back too. The worker then settles the job by how the
    /// handler ends.
    ///
    /// - Throws: ``StintError`` with the code `leaseLost`; let it pass out of the transaction's closure, so that the
    ///   handler's own writes roll back too.
    public func ack(_ context: JobContext, enqueueing followUps: [NewJob] = [], with database: Database) throws {
        let answers = try joining(database, .change) {
            try $0.settle([Settlement(context.lease, .ack, followUps: followUps)])
        }
        guard case .settled = answers[0] else { throw StintError.leaseLost(context.lease) }
        database.afterNextTransaction { [store] database in
            guard Self.isSettled(context, database) else { return }
            context.settlement.set()
            if !followUps.isEmpty { store.announce() }
        }
    }

    /// Whether the ack was committed. The transaction was committed, but perhaps without a savepoint that was rolled
    /// back. Then the job's lease is still valid, and the worker settles the job like any other.
    private static func isSettled(_ context: JobContext, _ database: Database) -> Bool {
        let (job, token) = (context.lease.job.rawValue, context.lease.token.rawValue)
        do {
            let select = "SELECT 1 FROM stint_leased WHERE job_id = ?1 AND token = ?2"
            return try Statement(select, database).first(job, token) { _ in true } == nil
        } catch {
            context.logger.warning(
                "the store cannot be read to check whether the job's acknowledgement was committed; it is acknowledged again",
                metadata: ["error": "\(error)"])
            return false
        }
    }

    private func joining<Value>(
        _ database: Database, _ fence: MoveFence, _ body: (JobTransaction) throws -> Value
    ) throws -> Value {
        guard database.isInsideTransaction else {
            throw StintError.invalidInput(
                "no transaction is open on this connection: call this within `database.write { db in … }`")
        }
        return try translatingErrors(of: store.path) {
            try store.open.schema.check(database)
            let transaction = JobTransaction(database, store.clock)
            try store.check(fence, transaction)
            let value = try body(transaction)
            try transaction.finish()
            return value
        }
    }
}
