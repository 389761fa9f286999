import GRDB
import GRDBSQLite
import StintCore
import StintPlatform

/// `@unchecked Sendable`: one thread at a time has it and passes it on: first the writing connection's, then the one
/// that syncs.
final class CallerWriteRequest<Value, Answer: Sendable>: WriteRequest, @unchecked Sendable {
    let since = ContinuousClock.now
    private let clock: any QueueClock
    private let calledAt: Int64
    private let call: WriteCall<Value, Answer>
    private let answerCaller: @Sendable (Result<Answer, any Error>) -> Void
    private var result: Value?
    private(set) var hasChanges = false
    private var prepared: Answer?

    /// - Parameter answer: Called once, and must not block.
    init(
        _ clock: any QueueClock, _ call: WriteCall<Value, Answer>,
        answer: @escaping @Sendable (Result<Answer, any Error>) -> Void
    ) {
        self.clock = clock
        calledAt = SQLiteStore.calledAt ?? clock.now().monotonic
        self.call = call
        answerCaller = answer
    }

    var weight: Int { call.weight }
    var diskFull: DiskFullPolicy { call.diskFull }

    func perform(_ database: Database, _ counts: QueueCounts) throws -> Bool {
        let transaction = JobTransaction(database, clock, calledAt: calledAt, shared: counts)
        let before = sqlite3_total_changes(database.sqliteConnection)
        result = try call.body(transaction)
        try transaction.finish()
        hasChanges = sqlite3_total_changes(database.sqliteConnection) != before
        return transaction.wakesWorkers
    }

    var needsSync: Bool { result.map { call.needsSync($0, hasChanges) } ?? true }

    func prepareAnswer(_ database: Database) {
        guard let result else { preconditionFailure("it was performed before") }
        prepared = call.afterwards(result, database)
    }

    func answer() {
        guard let prepared else { preconditionFailure("its answer was prepared before") }
        answerCaller(.success(prepared))
    }

    func refuse(_ error: any Error) {
        answerCaller(.failure(error))
    }
}
