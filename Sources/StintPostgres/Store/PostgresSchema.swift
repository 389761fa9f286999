import StintCore
import StintPostgresMigrations

/// Migrates a database to this Stint's schema, or reports why it cannot.
///
/// Applied migrations are kept in `stint.migrations` with their whole text: more than a checksum, and a person can read
/// which statements created the tables.
struct PostgresSchema {
    /// What people call the database.
    let name: String
    /// The migrations that this Stint knows.
    var migrations = PostgresMigrations.all

    /// What a role that may not create the schema can do about it.
    private static let whoCreatesIt =
        "open it once as a role that may create a schema in it, such as the database's owner"

    /// Reads first and writes only if there is something to do, under a lock: other processes may open it at the same
    /// time.
    ///
    /// - Parameter mayCreate: `false`: the schema must exist.
    func prepare(_ connections: PostgresConnections, mayCreate: Bool = true) async throws {
        let facts = try await connections.run(
            [
                PostgresStatement(
                    "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')")
            ], isReading: true)[0]
        let (version, encoding) = (try facts[0].int(0), try facts[0].text(1))
        guard version >= 140_000 else {
            throw StintError(
                .databaseUnusable,
                "\(name) is of PostgreSQL \(version / 10_000), and Stint needs 14 or a later one: upgrade the server")
        }
        // Texts have another length in bytes in another encoding, and not every text fits into it.
        guard encoding == "UTF8" else {
            throw StintError(
                .databaseUnusable,
                "\(name) keeps its text as \(encoding), and Stint needs UTF8: create a database with `ENCODING 'UTF8' TEMPLATE "
                    + "template0`, and name that one")
        }
        let applied = try await applied(connections)
        guard applied != nil || mayCreate else {
            throw StintError(
                .databaseUnusable,
                "\(name) has no schema named stint: create it, or name another one", advice: .createDatabase)
        }
        guard try isOlder(applied) else { return }
        guard try await mayInstall(connections, isNew: applied == nil) else {
            throw StintError(
                .databaseUnusable,
                applied == nil
                    ? "\(name) has no schema named stint, and this role may not create it: \(Self.whoCreatesIt)"
                    : "\(name) has the schema of an older Stint, and this role may not change it: \(Self.whoCreatesIt)")
        }
        try await connections.transaction { transaction in
            // Any constant will do: it is used for nothing else.
            _ = try await transaction.run("SELECT pg_advisory_xact_lock(\(JobTransaction.lockClass), 0)")
            // Another process may have been faster.
            let applied = try await self.applied(transaction)
            guard try isOlder(applied) else { return }
            if applied == nil { _ = try await transaction.run("CREATE SCHEMA stint") }
            for migration in migrations.dropFirst(applied?.count ?? 0) {
                // A statement is one command, and this text is many.
                _ = try await transaction.run([
                    PostgresStatement(
                        "DO $do$ BEGIN EXECUTE $migration$\(migration.sql)$migration$; END $do$", isRare: true),
                    PostgresStatement(
                        """
                        INSERT INTO stint.migrations (version, name, sql, applied_at)
                        VALUES ($1, $2, $3, (SELECT stint.now_ms()))
                        """,
                        [.int32(Int32(migration.version)), .text(migration.name), .text(migration.sql)], isRare: true),
                ])
            }
        }
    }

    private func applied(_ connections: PostgresConnections) async throws -> [String]? {
        try await connections.transaction(isReading: true) { try await applied($0) }
    }

    /// The texts of the applied migrations, oldest first; `nil` if there is no schema yet.
    private func applied(_ transaction: PostgresTransaction) async throws -> [String]? {
        let found = try await transaction.run(
            """
            SELECT to_regclass('stint.migrations') IS NOT NULL,
                   EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'stint')
            """)
        guard try found[0].bool(0) else {
            guard try !found[0].bool(1) else {
                throw StintError(
                    .databaseUnusable,
                    "\(name) has a schema named stint that Stint did not make: rename it, or use another database")
            }
            return nil
        }
        return try await transaction.run("SELECT sql FROM stint.migrations ORDER BY version").map { try $0.text(0) }
    }

    private func mayInstall(_ connections: PostgresConnections, isNew: Bool) async throws -> Bool {
        let sql =
            isNew
            ? "SELECT has_database_privilege(current_database(), 'CREATE')"
            : "SELECT pg_has_role(nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = 'stint'"
        return try await connections.run(sql)[0].bool(0)
    }

    /// - Parameter applied: `nil`: no schema.
    private func isOlder(_ applied: [String]?) throws -> Bool {
        try Migration.isOlder(applied ?? [], than: migrations, name)
    }
}
