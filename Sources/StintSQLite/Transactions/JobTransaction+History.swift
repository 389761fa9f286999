import StintCore

/// The attempts of a job that did not end well.
extension JobTransaction {
    /// The maximum number of failures that are kept of one job: a job that is kicked again and again must not grow the
    /// file.
    private static let failuresPerJob: Int64 = 50

    /// Keeps an attempt that did not end well.
    func record(
        _ failure: Transition.Failure, attempt: Int64, _ id: Int64, worker: String?, _ diagnostics: AttemptDiagnostics?
    ) throws {
        try insert(
            JobFailure(
                attempt: Int(attempt), at: now.wall, kind: failure.kind, error: failure.error, worker: worker,
                diagnostics: diagnostics), of: id)
        try statement(
            """
            DELETE FROM stint_failures WHERE job_id = ?1 AND id <=
                (SELECT id FROM stint_failures WHERE job_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
            """
        ).execute(id, Self.failuresPerJob)
    }

    /// Adds a failure to a job's history.
    func insert(_ failure: JobFailure, of id: Int64) throws {
        let insert = try statement(
            """
            INSERT INTO stint_failures (job_id, attempt, at, kind, error, worker, exit_code, signal, peak_memory_bytes,
                                        run_time_ms, standard_error)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """)
        let diagnostics = failure.diagnostics
        insert.bind(1, id)
        insert.bind(2, Int64(failure.attempt))
        insert.bind(3, failure.atMilliseconds)
        insert.bind(4, failure.kind.rawValue)
        insert.bind(5, failure.error.replacing("\0", with: "\u{FFFD}"))
        insert.bind(6, failure.worker)
        insert.bind(7, diagnostics?.exitCode.map(Int64.init))
        insert.bind(8, diagnostics?.signal)
        insert.bind(9, diagnostics?.peakMemoryBytes)
        insert.bind(10, diagnostics?.runTimeMilliseconds)
        insert.bind(11, diagnostics?.standardError?.replacing("\0", with: "\u{FFFD}"))
        try insert.execute()
    }
}
