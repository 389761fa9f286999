import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

/// A database whose jobs go to another one, with a process that works and one that moves.
struct MovingPlace: Sendable {
    static let peer = "postgres://app:secret@new.example.com/jobs"

    let clock = TestClock()
    let database: TestDatabase
    /// Of any process.
    let store: PostgresStore
    let mover: PostgresStore
    let move = MoveID(MoveID.newName())

    init() async throws {
        database = try await TestDatabase(.one)
        store = try await PostgresStore.open(database.url, clock: clock)
        mover = try await Self.mover(of: database.url, clock)
        try await setTime()
    }

    static func mover(of url: String, _ clock: TestClock) async throws -> PostgresStore {
        var options = PostgresStore.Options()
        options.isMover = true
        return try await PostgresStore.open(url, options: options, clock: clock)
    }

    func close() async {
        await store.close()
        await mover.close()
        await database.close()
    }

    // MARK: - What processes do

    /// For SQL of programs without Stint.
    func setTime() async throws {
        let reading = clock.now()
        for (name, value) in [("now", reading.wall), ("steady", reading.monotonic)] {
            _ = try await database.connections.run(
                "SELECT set_config($1, $2, false)", .text("stint.test_\(name)_ms"), .text(String(value)))
        }
    }

    @discardableResult
    func sql(_ text: String) async throws -> PostgresRows { try await database.connections.run(text) }

    @discardableResult
    func enqueue(_ options: JobOptions = JobOptions(), in queue: QueueName = "q", _ payload: [UInt8] = [1, 2])
        async throws -> JobID
    {
        clock.advance(by: .milliseconds(3))
        return try await store.enqueue([NewJob(payload, in: queue, options: options)])[0].id
    }

    func claim(_ queues: QueueName..., limit: Int = 1, by worker: WorkerID? = nil) async throws -> [LeasedJob] {
        try await store.claim(
            ClaimRequest(
                queues: queues.isEmpty ? ["q"] : queues, limit: limit, lease: .seconds(30), worker: "w",
                registration: worker))
    }

    func register() async throws -> WorkerID {
        let registration = WorkerRegistration(
            name: "w", process: WorkerProcess(.current), supervisor: nil, queues: ["q"], concurrency: 2)
        return try await store.register(registration, as: nil).id
    }

    static func jobs(of store: PostgresStore) async throws -> [StoredJob] {
        var (jobs, after): ([StoredJob], JobID?) = ([], nil)
        repeat {
            let page = try await store.exportJobs(of: nil, after: after, limit: 1_000)
            jobs += page.jobs
            after = page.next
        } while after != nil
        return jobs
    }

    // MARK: - What the mover does

    /// Copies what is noted, until nothing is.
    ///
    /// - Returns: The ids that were noted.
    @discardableResult
    func drain(to target: PostgresStore) async throws -> Set<JobID> {
        var ids: Set<JobID> = []
        while true {
            let changes = try await mover.notedChanges(limit: 100)
            if changes.notes.isEmpty { return ids }
            try await target.replaceJobs(changes.ids, with: changes.jobs)
            try await mover.removeNotes(changes.notes)
            ids.formUnion(changes.ids)
        }
    }

    func removeAllNotes() async throws {
        while case let changes = try await mover.notedChanges(limit: 1_000), !changes.notes.isEmpty {
            try await mover.removeNotes(changes.notes)
        }
    }

    /// Commits the move.
    func commit() async throws {
        try await mover.beginMove(move, to: Self.peer)
        try await mover.freeze(move, for: .seconds(60))
        try await removeAllNotes()
        let last = try await Self.jobs(of: mover).last?.id
        #expect(try await mover.commitMove(move, lastCopied: last))
    }

    func expect(
        _ code: StintError.Code, _ what: String, location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("\(what) was not refused", sourceLocation: location)
        } catch let error as StintError {
            #expect(error.code == code, "\(what): \(error)", sourceLocation: location)
            #expect(!"\(error)".contains("secret"), sourceLocation: location)
        } catch {
            Issue.record("\(what): \(error)", sourceLocation: location)
        }
    }
}
