import StintCore

/// The store of a simulated worker whose supervisor writes for it.
struct SupervisedSimulatedStore: StoreWrapper {
    /// The way through the supervisor.
    let base: any JobStore
    let own: SimulatedStore

    func wrapping(_ base: any JobStore) -> SupervisedSimulatedStore {
        SupervisedSimulatedStore(base: base, own: own)
    }

    func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        try await base.register(own.identified(worker), as: id)
    }

    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        let exchange = try await base.exchange(settlements, for: request)
        own.note(settlements, exchange.answers)
        return exchange
    }
}
