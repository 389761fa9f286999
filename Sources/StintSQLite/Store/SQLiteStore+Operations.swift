import StintCore

extension SQLiteStore {
    /// How many pages of jobs one step reads past, without the write lock, that do not meet its conditions.
    private static let pagesAhead = 50

    public func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try change.check()
        try NewOperation.check(actor: actor)
        try await write(diskFull: Self.diskFull(of: change)) { try $0.change(ids, change, by: actor) }
    }

    public func begin(_ operation: NewOperation) async throws -> BulkOperation {
        try operation.check()
        return try await write(diskFull: Self.diskFull(of: operation.change)) { try $0.begin(operation) }
    }

    public func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        try NewOperation.check(actor: actor)
        return try await write { try $0.beginRestore(of: operation, by: actor) }
    }

    public func step(by driver: OperationDriver) async throws -> OperationStep {
        let turn = try await look { transaction -> OperationStep? in
            switch try transaction.turn(of: driver) {
            case .idle: .idle
            case .elsewhere: .elsewhere
            case .mine: nil
            }
        }
        if let turn { return turn }
        let ahead = try await read { try $0.lookAhead(driver, pages: Self.pagesAhead) }
        do {
            // Its jobs may be deleted or cancelled because the disk is full.
            return try await write(weight: JobTransaction.rowsPerStep, diskFull: .useReserve) {
                try $0.step(by: driver, ahead: ahead)
            }
        } catch let error as StintError where error.code == .invalidInput || error.code == .notFound {
            return try await write(diskFull: .useReserve) { try $0.fail(driver, error) }
        }
    }

    public func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try await write(diskFull: .useReserve) { try $0.control(operation, control) }
    }

    public func operation(_ id: OperationID) async throws -> BulkOperation? {
        try await read { try $0.operation(id) }
    }

    public func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        try await read { try $0.operations(limit: limit, before: id) }
    }

    static func diskFull(of change: JobChange) -> DiskFullPolicy {
        switch change {
        case .delete, .cancel: .useReserve
        case .kick, .kickLater, .runNow, .bury, .move, .setPriority: .useSpareReserve
        }
    }
}
