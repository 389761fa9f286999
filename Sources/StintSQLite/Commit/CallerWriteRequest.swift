import GRDB
import GRDBSQLite
import StintCore
import StintPlatform

/// `@unchecked Sendable`: one thread at a time has it and passes it on: first the writing connection's, then the one
/// that syncs.
final class CallerWriteRequest<Value, Answer: Sendable>: WriteRequest, @unchecked Sendable {
    let weight: Int
    let diskFull: DiskFullPolicy
    let since = ContinuousClock.now
    private let clock: any QueueClock
    private let calledAt: Int64
    private let body: @Sendable (JobTransaction) throws -> Value
    private let afterwards: @Sendable (Value, Database) -> Answer
    private let mustBeOnDisk: @Sendable (Value, _ hasChanges: Bool) -> Bool
    private let answerCaller: @Sendable (Result<Answer, any Error>) -> Void
    private var result: Value?
    private(set) var hasChanges = false
    private var prepared: Answer?

    /// - Parameters:
    ///   - answer: Called once, and must not block.
    ///   - body: The caller's changes.
    ///   - afterwards: Runs after the commit, without the write lock; for reading payloads.
    ///   - needsSync: Whether the caller is answered only once the transaction is on disk: if a power cut must not undo the
    ///     changes, or the answer depends on what another caller has changed a moment ago.
    init(
        _ clock: any QueueClock, weight: Int, diskFull: DiskFullPolicy,
        answer: @escaping @Sendable (Result<Answer, any Error>) -> Void,
        _ body: @escaping @Sendable (JobTransaction) throws -> Value,
        afterwards: @escaping @Sendable (Value, Database) -> Answer,
        needsSync: @escaping @Sendable (Value, _ hasChanges: Bool) -> Bool
    ) {
        answerCaller = answer
        self.clock = clock
        calledAt = SQLiteStore.calledAt ?? clock.now().monotonic
        self.weight = weight
        self.diskFull = diskFull
        self.body = body
        self.afterwards = afterwards
        mustBeOnDisk = needsSync
    }

    func perform(_ database: Database, _ counts: QueueCounts) throws -> Bool {
        let transaction = JobTransaction(database, clock, calledAt: calledAt, shared: counts)
        let before = sqlite3_total_changes(database.sqliteConnection)
        result = try body(transaction)
        try transaction.finish()
        hasChanges = sqlite3_total_changes(database.sqliteConnection) != before
        return transaction.wakesWorkers
    }

    var needsSync: Bool { result.map { mustBeOnDisk($0, hasChanges) } ?? true }

    func prepareAnswer(_ database: Database) {
        guard let result else { preconditionFailure("it was performed before") }
        prepared = afterwards(result, database)
    }

    func answer() {
        guard let prepared else { preconditionFailure("its answer was prepared before") }
        answerCaller(.success(prepared))
    }

    func refuse(_ error: any Error) {
        answerCaller(.failure(error))
    }
}
