import CStint
import GRDB
import StintCore

/// One process claims, and others read the payloads.
extension SQLiteStore: PayloadLoadingStore {
    /// The file, whatever its name.
    package var identity: String? {
        lifecycle.withLock(\.open)?.fileWatch.identity.map { "\($0), schema \(options.migrations.count)" }
    }

    package func load(_ claimed: [ClaimedJob], within budget: ByteBudget) throws -> LoadedJobs {
        let open = try beginCall()
        defer { endCall() }
        return try open.reader.runBlocking { try open.payloadLoader.load(claimed, within: budget, $0) }
    }

    /// Frees the page caches and schemas of the connections that write and checkpoint: they are needed only while there is no
    /// supervisor. A failure costs memory only.
    package func becomeSupervised() {
        Task {
            do {
                let open = try beginCall()
                defer { endCall() }
                try await open.writer.freeMemory()
                try await open.checkpoint?.freeMemory()
                try await open.writer.run { _ in stint_return_free_memory() }
            } catch {
                options.logger.debug("memory could not be given back", metadata: ["error": "\(error)"])
            }
        }
    }

    package func enroll(
        _ worker: WorkerRegistration, as id: WorkerID?, scoreboard: String?
    ) async throws -> WorkerID {
        try await enroll(worker, as: id) { _, _ in }.id
    }

    /// - Parameter body: Called once the worker is registered. The entry exists before its scoreboard does, so a scoreboard
    ///   without an entry belongs to no worker.
    func enroll<Value: Sendable>(
        _ worker: WorkerRegistration, as id: WorkerID?, _ body: @escaping @Sendable (Scoreboards, WorkerID) -> Value
    ) async throws -> (id: WorkerID, value: Value) {
        let open = try beginCall()
        defer { endCall() }
        let (id, known) = try await write { transaction in
            (try transaction.register(worker, as: id), try transaction.knownWorkers())
        }
        let value = try await open.writer.run { [scoreboards = open.scoreboards] _ in
            scoreboards.sweep(before: id, keeping: known.ids, supervisors: known.supervisors)
            return body(scoreboards, id)
        }
        return (id, value)
    }

    /// Its scoreboard has the name of its id.
    package func preparePlace(for id: WorkerID?, capacity: Int) throws -> PreparedPlace {
        PreparedPlace(scoreboard: nil) { try await self.place(of: $0, capacity: capacity) }
    }

    func place(of worker: WorkerID, capacity: Int) async throws -> RegisteredWorker {
        let open = try beginCall()
        defer { endCall() }
        let scoreboard = try await open.reader.run { [scoreboards = open.scoreboards] _ in
            scoreboards.open(for: worker, capacity: capacity)
        }
        return RegisteredWorker(id: worker, scoreboard: scoreboard, runLock: runLock, revocations: open.revocations)
    }
}
