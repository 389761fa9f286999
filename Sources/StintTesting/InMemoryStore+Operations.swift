import StintCore

extension InMemoryStore {
    public func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try change.check()
        try NewOperation.check(actor: actor)
        try verb { try $0.change(ids, change, by: actor, $1) }
    }

    public func begin(_ operation: NewOperation) async throws -> BulkOperation {
        try operation.check()
        return try verb { try $0.begin(operation, $1) }
    }

    public func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        try NewOperation.check(actor: actor)
        return try verb { try $0.beginRestore(of: operation, by: actor, $1) }
    }

    public func step(by driver: OperationDriver) async throws -> OperationStep {
        try verb { try $0.step(by: driver, $1) }
    }

    public func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try verb { try $0.control(operation, control, $1) }
    }

    public func operation(_ id: OperationID) async throws -> BulkOperation? {
        try look { $0.operations[id]?.record }
    }

    public func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        try look { try $0.operations(limit: limit, before: id) }
    }
}
