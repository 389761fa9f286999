import StintCore

/// The server, its settings, its standbys, and what keeps it from removing dead rows.
extension JobTransaction {
    func serverFindings() async throws -> [Finding] {
        let facts = try await run(
            """
            SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('fsync'),
                   current_setting('full_page_writes'), current_setting('synchronous_commit'),
                   current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication),
                   (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')),
                   current_setting('max_connections')::bigint,
                   (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                   pg_database_size(current_database()), (SELECT jumps FROM stint.clock),
                   (SELECT count(*) FROM stint.migrations), pg_has_role('pg_read_all_stats', 'MEMBER')
            """)
        guard let row = facts.first else { throw StintError(.databaseUnusable, "the server tells nothing of itself") }
        let isStandby = try row.bool(1)
        return [
            Finding(
                subject: "PostgreSQL \(try row.text(0))", isGood: !isStandby,
                description: isStandby
                    ? "a standby, which can only be read: name the primary, or all hosts with target_session_attrs=read-write"
                    : "the primary; \(try row.int(12)) migrations, and the database has \(try row.int(10) / 1_048_576) MiB"
            ),
            durability(
                fsync: try row.text(2), fullPageWrites: try row.text(3), synchronousCommit: try row.text(4)),
            replication(
                try row.text(5), standbys: try row.int(6), synchronous: try row.bool(13) ? try row.int(7) : nil,
                commit: try row.text(4)),
            try row.bool(13)
                ? connectionsFinding(used: try row.int(9), most: try row.int(8)) : Self.hidden("connections"),
            Finding(
                subject: "clock", isGood: true,
                description: try row.int(11) == 0
                    ? "the server's decides, and no process has seen it set"
                    : "the server's decides; it was set by \(try row.int(11)) ms in all, and leases and rates have followed"
            ),
        ]
    }

    private func durability(fsync: String, fullPageWrites: String, synchronousCommit: String) -> Finding {
        var wrong: [String] = []
        if fsync != "on" { wrong.append("fsync is \(fsync): a power cut may destroy the database") }
        if fullPageWrites != "on" {
            wrong.append("full_page_writes is \(fullPageWrites): a power cut may destroy pages")
        }
        if synchronousCommit == "off" {
            wrong.append("synchronous_commit is off: a crash of the server loses the last jobs that were acknowledged")
        }
        return Finding(
            subject: "durability", isGood: wrong.isEmpty,
            description: wrong.isEmpty
                ? "what is acknowledged is on the server's disk (fsync, synchronous_commit \(synchronousCommit))"
                : wrong.joined(separator: "; ") + "; set it to on in postgresql.conf, or for this role")
    }

    /// What other sessions do is shown to few roles.
    private static func hidden(_ subject: String) -> Finding {
        Finding(
            subject: subject, isGood: true,
            description: "not visible to this role: GRANT pg_read_all_stats to it, and ask again")
    }

    /// - Parameter synchronous: `nil`: not visible.
    private func replication(_ names: String, standbys: Int64, synchronous: Int64?, commit: String) -> Finding {
        func finding(_ isGood: Bool, _ text: String) -> Finding {
            Finding(subject: "replication", isGood: isGood, description: text)
        }
        if names.isEmpty {
            let who = standbys == 0 ? "no standby" : "\(standbys) asynchronous standbys"
            return finding(
                true,
                "\(who): if this server is lost, so are the jobs of its last moments; synchronous_standby_names makes a "
                    + "commit wait for a standby")
        }
        if commit == "local" || commit == "off" {
            return finding(
                false,
                "synchronous_standby_names is set, but synchronous_commit is \(commit), so no commit waits for a standby: set "
                    + "it to on")
        }
        guard let synchronous else { return Self.hidden("replication") }
        if synchronous == 0 {
            return finding(
                false,
                "no synchronous standby is connected (synchronous_standby_names is \(quoted(names))): commits wait for one "
                    + "and are then reported as unknown")
        }
        return finding(
            true, "\(synchronous) synchronous of \(standbys) standbys: a failover loses nothing acknowledged")
    }

    private func connectionsFinding(used: Int64, most: Int64) -> Finding {
        let isGood = used * 10 < most * 9
        return Finding(
            subject: "connections", isGood: isGood,
            description: "\(used) of \(most)"
                + (isGood ? "" : ": new processes may find none; raise max_connections, or put a pooler between"))
    }

    // MARK: - Clean-up

    /// A transaction that is older keeps dead rows, which each claim then has to pass.
    static let longTransaction: Duration = .seconds(300)
    /// This many dead rows of a table are many, if they are more than those that live.
    private static let manyDead: Int64 = 100_000

    /// - Parameter age: Transactions that have been open for longer hold it up.
    func cleanUpFindings(olderThan age: Duration = JobTransaction.longTransaction) async throws -> [Finding] {
        let isVisible = try await run("SELECT pg_has_role('pg_read_all_stats', 'MEMBER')").first?.bool(0) == true
        var findings = isVisible ? try await snapshotFindings(olderThan: age) : [Self.hidden("old snapshot")]
        let dead = try await run(
            """
            SELECT relname, n_dead_tup, n_live_tup, extract(epoch FROM now() - greatest(last_autovacuum, last_vacuum))::bigint
            FROM pg_stat_user_tables WHERE schemaname = 'stint' AND n_dead_tup > greatest($1, n_live_tup)
            ORDER BY n_dead_tup DESC LIMIT 3
            """, .int(Self.manyDead))
        for row in dead {
            let last = try row.optionalInt(3).map { "\($0 / 60) minutes ago" } ?? "never"
            findings.append(
                Finding(
                    subject: "dead rows", isGood: false,
                    description:
                        "stint.\(try row.text(0)) has \(try row.int(1)) dead rows and \(try row.int(2)) living ones; its "
                        + "last vacuum was \(last): see what holds it up, or run VACUUM stint.\(try row.text(0))"))
        }
        let settings = try await run(
            """
            SELECT current_setting('autovacuum'), current_setting('track_counts'),
                   (SELECT age(datfrozenxid)::bigint FROM pg_database WHERE datname = current_database())
            """)
        for (place, name) in ["autovacuum", "track_counts"].enumerated() where try settings[0].text(place) != "on" {
            findings.append(
                Finding(
                    subject: "dead rows", isGood: false,
                    description:
                        "\(name) is off, so nothing removes dead rows, and claims become slower and slower: set it "
                        + "to on"))
        }
        if try settings[0].int(2) > 1_000_000_000 {
            findings.append(
                Finding(
                    subject: "transaction ids", isGood: false,
                    description:
                        "the oldest is \(try settings[0].int(2)) transactions old; at 2 billion the server stops: run "
                        + "VACUUM FREEZE"))
        }
        if findings.allSatisfy(\.isGood) {
            findings.append(
                Finding(
                    subject: "dead rows", isGood: true,
                    description: "autovacuum is on, and no table has many"
                        + (isVisible ? "; no old transaction, standby or replication slot holds it up" : "")))
        }
        return findings
    }

    /// Who keeps dead rows from being removed.
    private func snapshotFindings(olderThan age: Duration) async throws -> [Finding] {
        let rows = try await run(
            """
            SELECT 'process ' || pid || ' (' || coalesce(nullif(application_name, ''), 'no name') || ' of ' || coalesce(usename, 'nobody') || ', '
                       || coalesce(state, 'working') || ')',
                   extract(epoch FROM now() - xact_start)::bigint,
                   'end it with SELECT pg_terminate_backend(' || pid || ')'
            FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
                AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
                AND xact_start < now() - make_interval(secs => $1) AND pid <> pg_backend_pid()
            UNION ALL
            SELECT 'the prepared transaction ' || quote_literal(gid), extract(epoch FROM now() - prepared)::bigint,
                   'COMMIT PREPARED or ROLLBACK PREPARED it'
            FROM pg_prepared_xacts
            WHERE database = current_database() AND prepared < now() - make_interval(secs => $1)
            UNION ALL
            SELECT 'the replication slot ' || quote_literal(slot_name::text), NULL::bigint,
                   'drop it with SELECT pg_drop_replication_slot(' || quote_literal(slot_name::text)
                       || ') if its standby does not come back'
            FROM pg_replication_slots WHERE NOT active AND xmin IS NOT NULL
            UNION ALL
            SELECT 'a transaction on the standby ' || quote_literal(application_name), NULL,
                   'end it there, or set hot_standby_feedback to off'
            FROM pg_stat_replication WHERE age(backend_xmin) > 1000000
            ORDER BY 2 DESC NULLS LAST LIMIT 5
            """, .double(age / .seconds(1)))
        return try rows.map { row in
            let age = try row.optionalInt(1).map { " for \($0 / 60) minutes" } ?? ""
            return Finding(
                subject: "old snapshot", isGood: false,
                description: "\(try row.text(0)) keeps dead rows from being removed\(age), and claims become slower; "
                    + (try row.text(2)))
        }
    }
}
