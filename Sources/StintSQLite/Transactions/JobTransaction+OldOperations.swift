import StintCore

/// Records of operations that are too old are deleted.
extension JobTransaction {
    /// ?1: the newest that is too old by its time, ?2: the newest that is too old by its number. Only such that have
    /// ended and whose deleted jobs are gone.
    private static let isOld = """
        (begun_at <= ?1 OR id <= ?2) AND state NOT IN ('running', 'paused') AND restorable_until IS NULL
        AND NOT EXISTS (SELECT 1 FROM stint_operations r WHERE r.restores = stint_operations.id
                        AND r.state IN ('running', 'paused'))
        """

    private func ages() throws -> (time: Int64, number: Int64) {
        let newest = try statement("SELECT max(id) FROM stint_operations").first { $0.int(0) } ?? 0
        return (now.wall - BulkOperation.keptFor.milliseconds, newest &- Int64(BulkOperation.maximumKept))
    }

    /// Whether there are deleted jobs to purge, or records to delete.
    func hasOldOperations() throws -> Bool {
        if try statement(Self.operationsToPurge).first(now.wall, 1, read: { _ in true }) == true { return true }
        let (time, number) = try ages()
        // The oldest ones are looked at, and no others.
        return try statement(
            """
            SELECT 1 FROM (SELECT id, begun_at, state, restorable_until FROM stint_operations ORDER BY id LIMIT 10) AS stint_operations WHERE \(Self.isOld)
            """
        ).first(time, number) { _ in true } == true
    }

    func pruneOperations() throws {
        let (time, number) = try ages()
        try statement(
            """
            DELETE FROM stint_operations WHERE id IN (
                SELECT id FROM (
                    SELECT id, begun_at, state, restorable_until FROM stint_operations ORDER BY id LIMIT 1000) AS stint_operations
                WHERE \(Self.isOld))
            """
        ).execute(time, number)
    }
}
