import StintCore

/// The verbs of an `OperationStore`: each is one transaction with the verb of the same name.
extension PostgresStore {
    /// How many pages of jobs one step reads past, in a transaction of its own, that do not meet its conditions.
    private static let pagesAhead = 50

    public func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try checkStillThere()
        try change.check()
        try NewOperation.check(actor: actor)
        try await self.change { try await $0.change(ids, change, by: actor) }
    }

    public func begin(_ operation: NewOperation) async throws -> BulkOperation {
        try checkStillThere()
        try operation.check()
        return try await change { try await $0.begin(operation) }
    }

    public func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        try checkStillThere()
        try NewOperation.check(actor: actor)
        return try await change { try await $0.beginRestore(of: operation, by: actor) }
    }

    public func step(by driver: OperationDriver) async throws -> OperationStep {
        let turn = try await read { transaction -> OperationStep? in
            switch try await transaction.turn(of: driver) {
            case .idle: .idle
            case .elsewhere: .elsewhere
            case .mine: nil
            }
        }
        if let turn { return turn }
        let ahead = try await read { try await $0.lookAhead(driver, pages: Self.pagesAhead) }
        do {
            return try await change { try await $0.step(by: driver, ahead: ahead) }
        } catch let error as StintError where error.code == .invalidInput || error.code == .notFound {
            return try await change { try await $0.fail(driver, error) }
        }
    }

    public func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try await change { try await $0.control(operation, control) }
    }

    public func operation(_ id: OperationID) async throws -> BulkOperation? {
        try await read { try await $0.operation(id) }
    }

    public func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        try await read { try await $0.operations(limit: limit, before: id) }
    }
}
