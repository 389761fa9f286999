import StintCore

/// A connection that was lost while a call was not answered.
struct LostConnection: Error, Sendable {
    let reason: String
    /// Whether the server may have committed.
    let mayHaveCommitted: Bool
}

extension Server {
    /// The error that callers get. An error of a statement itself stays as it is.
    func translated(_ error: any Error) -> any Error {
        switch error {
        case let error as PostgresError: stintError(error) ?? error
        case let error as LostConnection: stintError(error)
        default: error
        }
    }

    private func stintError(_ error: LostConnection) -> StintError {
        if error.mayHaveCommitted {
            StintError(
                .outcomeUnknown,
                "\(name) may have made the change or not: \(error.reason) before it answered; look whether the change is "
                    + "there before you try again")
        } else {
            StintError(.databaseBusy, "\(name) did not answer: \(error.reason); nothing was changed: try again")
        }
    }

    /// After the commit of a server whose wait for its standby was cancelled.
    var notReplicated: StintError {
        StintError(
            .outcomeUnknown,
            "\(name) has made the change, but its wait for the synchronous standby was cancelled, so a failover may lose "
                + "it: look whether the change is there before you try again, and see that no program cancels commits")
    }

    /// `nil` for an error that concerns the statement alone.
    func stintError(_ error: PostgresError) -> StintError? {
        let said = error.message
        switch error.sqlState {
        case "25006":
            return StintError(
                .databaseUnusable,
                "\(name) is a standby that can only be read; nothing was changed: name the primary in the URL, or all "
                    + "servers with target_session_attrs=read-write")
        case "53100":
            return StintError(
                .storageFailed,
                "the disk of \(name) is full (\(said)); nothing was changed: free some space there and try again")
        case "53200":
            return StintError(
                .storageFailed,
                "\(name) is out of memory (\(said)); nothing was changed: look into its log and lower its work_mem or "
                    + "max_connections")
        case "53300":
            return StintError(
                .databaseBusy,
                "\(name) has too many connections (\(said)); nothing was changed: raise its max_connections, run fewer "
                    + "processes, or put PgBouncer between")
        case "57P01", "57P02", "57P03":
            return StintError(
                .databaseBusy,
                "\(name) is shutting down or starting, or an administrator ended the connection (\(said)); nothing was "
                    + "changed: try again when it is up")
        case "08000", "08003", "08006", "08P01":
            return StintError(
                .databaseBusy,
                "\(name), or the pooler in front of it, refused the connection (\(said)); nothing was changed: try again"
            )
        case "57014":
            return StintError(
                .databaseBusy,
                "a statement on \(name) was cancelled (\(said)); nothing was changed: see what slows the server down, or "
                    + "try again")
        case "55P03":
            return StintError(
                .databaseBusy,
                "a row or table on \(name) stayed locked (\(said)); nothing was changed: see in pg_stat_activity who holds "
                    + "a transaction open, or try again")
        case "25P03", "57P05":
            return StintError(
                .databaseBusy,
                "\(name) ended a connection that was idle for too long (\(said)); nothing was changed: try again")
        case "40001", "40P01":
            return StintError(
                .databaseBusy,
                "the change conflicted with others on \(name) again and again (\(said)); nothing was changed: try again"
            )
        case "42501":
            return StintError(
                .databaseUnusable,
                "\(name) refuses this to the user\(user.map { " " + quoted($0) } ?? "") (\(said)); nothing was changed: "
                    + "grant the permission, or connect as another user")
        // Of stint.refuse_while_moved.
        case "ST010": return .beingMoved(databaseName, to: error.detail ?? "")
        case "ST011": return .moved(databaseName, to: error.detail ?? "")
        case "ST012": return .arriving(databaseName, from: error.detail ?? "")
        case "58030", "58P01", "XX001", "XX002":
            return StintError(
                .storageFailed,
                "the storage of \(name) failed (\(said)); nothing was changed: look into its log")
        default: return nil
        }
    }

    /// Why a connection could not be made. libpq gives no SQLSTATE for these, so they are told apart by their texts; one
    /// that is not recognised, such as in another language, is passed on as it is.
    ///
    /// - Parameter said: What libpq says, of all hosts.
    func cannotConnect(_ said: String) -> StintError {
        let reason = shortened(said)
        func has(_ texts: String...) -> Bool { texts.contains { said.contains($0) } }
        if has(
            "password authentication failed", "no password supplied", "no pg_hba.conf entry", "authentication failed")
            || (has("role \"") && has("does not exist"))
        {
            return StintError(
                .databaseUnusable,
                "\(name) does not let the user\(user.map { " " + quoted($0) } ?? "") in (\(reason)): check user and password "
                    + "in the URL, PGPASSWORD or ~/.pgpass, and the server's pg_hba.conf")
        }
        if has("database \"") && has("does not exist") {
            return StintError(
                .databaseUnusable,
                "\(name) has no database \(quoted(database ?? "")): create it with `createdb`, or name another one in the URL"
            )
        }
        if has("session is read-only", "server is in hot standby mode") {
            return StintError(
                .databaseUnusable,
                "\(name) is a standby that can only be read: name the primary in the URL, or all servers; the one that "
                    + "takes writes is found")
        }
        if has("too many clients", "too many connections", "remaining connection slots are reserved") {
            return StintError(
                .databaseBusy,
                "\(name) has too many connections (\(reason)): raise its max_connections, run fewer processes, or put "
                    + "PgBouncer between")
        }
        if has("the database system is") {
            return StintError(
                .databaseBusy,
                "\(name) is shutting down or starting (\(reason)); nothing was changed: try again when it is up")
        }
        if has("SSL", "certificate") {
            return StintError(
                .databaseUnusable,
                "\(name) cannot be connected to over TLS (\(reason)): check sslmode and sslrootcert in the URL and the "
                    + "server's certificate")
        }
        return StintError(
            .databaseBusy,
            "\(name) cannot be reached (\(reason)); nothing was changed: check that it runs, and host and port in the URL"
        )
    }

    /// Without libpq's questions, which the rest of the sentence answers.
    private func shortened(_ said: String) -> String {
        said.split(whereSeparator: \.isNewline)
            .map { $0.trimmingPrefix { $0.isWhitespace } }
            .filter { !$0.hasPrefix("Is the server running") }
            .joined(separator: "; ")
    }
}
