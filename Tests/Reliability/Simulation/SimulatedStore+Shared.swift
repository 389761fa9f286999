import StintCore
import StintSQLite

/// A supervisor uses its store for its workers, and a worker reads its payloads with its own.
extension SimulatedStore: PayloadLoadingStore {
    private var shared: SQLiteStore { process.place.stores.store }

    var identity: String? { nil }

    func enroll(_ worker: WorkerRegistration, as id: WorkerID?, scoreboard: String?) async throws -> WorkerID {
        try await perform { try await shared.enroll(worker, as: id, scoreboard: scoreboard) }
    }

    func preparePlace(for id: WorkerID?, capacity: Int) throws -> PreparedPlace {
        let place = try shared.preparePlace(for: id, capacity: capacity)
        return PreparedPlace(scoreboard: place.scoreboard) { worker in
            if id == nil { process.workers.append(worker) }
            return registered(try await place.take(worker))
        }
    }

    func exchange(
        _ settlements: [Settlement], for request: ClaimRequest?,
        answer: @escaping @Sendable (Result<ClaimedExchange, any Error>) -> Void
    ) {
        Task {
            do {
                let exchange = try await perform {
                    try await withCheckedThrowingContinuation { continuation in
                        shared.exchange(settlements, for: request) { continuation.resume(with: $0) }
                    }
                }
                answer(.success(exchange))
            } catch {
                answer(.failure(error))
            }
        }
    }

    func load(_ claimed: [ClaimedJob], within budget: ByteBudget) throws -> LoadedJobs {
        try shared.load(claimed, within: budget)
    }
}
