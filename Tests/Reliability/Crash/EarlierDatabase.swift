import Foundation

/// A database as the first Stint created it, with jobs in every state.
enum EarlierDatabase {
    /// Job 3 has a long lease, job 6 one from an earlier boot.
    private static let jobs = """
        INSERT INTO stint_queues VALUES (1, 'q', 0, 3600000, 1, 1, 2, 1, 7);
        INSERT INTO stint_jobs
            SELECT value, 1, 10, 3, 2, 5000, 1700000000000 + value, 'text/plain', 'a: b',
                   CAST('job ' || value AS BLOB)
            FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 6)
                  SELECT value FROM n);
        INSERT INTO stint_ready VALUES (1, 10, 1, 1, 0, 1);
        INSERT INTO stint_delayed VALUES (2, 1, 1900000000000, 1, 1, 0);
        INSERT INTO stint_leases VALUES
            (21, 1, 'host:1', 'boot-1', 9000000, 1, 2, 1, 0), (23, 1, 'host:3', 'boot-0', 9999999, 1, 2, 1, 0);
        INSERT INTO stint_leased VALUES (3, 21, 1, 0, 0), (6, 23, 1, 0, 0);
        INSERT INTO stint_buried VALUES (4, 1, 1700000000100, 3, 2, 'crashed 2 times');
        INSERT INTO stint_done VALUES (5, 1, 1800000000000, 1, 0);
        INSERT INTO stint_unique_keys VALUES (2, 1, 'k');
        INSERT INTO stint_failures VALUES (1, 4, 1, 1700000000050, 'crashed', 'SIGSEGV', 'host:9'),
            (2, 2, 1, 1700000000060, 'failed', 'refused', NULL);
        """

    static func make(_ path: String) throws {
        try Fixture.make(version: 1, at: path, with: jobs)
    }
}

extension ScriptedWorkload {
    /// Creates a folder with the files that a workload begins with.
    static func prepare(_ folder: String, for script: Script) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if case .whole = script { try EarlierDatabase.make("\(folder)/old.db") }
    }
}
