import StintCore

/// What a reap does besides its jobs.
extension JobTransaction {
    /// Whether there would be anything to do: it only reads.
    func needsUpkeep() async throws -> Bool {
        if try await hasUnseenWorkers() { return true }
        if try await hasOldOperations() { return true }
        return try await hasOldActivity()
    }

    func upkeep(_ report: inout ReapReport) async throws {
        try await forgetUnseenWorkers()
        report.purged += try await purgeDeleted()
        try await pruneOperations()
        try await addUpActivity()
    }
}
