import PostgresSupport
import StintCore
import StintPostgresMigrations
import Testing

@testable import StintPostgres

@Suite("A PostgreSQL store is opened")
struct StoreOpeningTests {
    @Test("by several processes at once, of which one creates the schema")
    func together() async throws {
        let url = try await PostgresCluster.shared.database()
        let stores = try await withThrowingTaskGroup(of: PostgresStore.self) { group in
            for _ in 0..<4 { group.addTask { try await PostgresStore.open(url) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let id = try await stores[0].enqueue([NewJob([1], in: "q")])[0].id
        #expect(try await stores[3].job(id)?.payload == [1])
        let connections = try PostgresConnections(url)
        let applied = try await connections.run("SELECT count(*) FROM stint.migrations")[0].int(0)
        #expect(applied == Int64(PostgresMigrations.all.count))
        await connections.close()
        for store in stores { await store.close() }
    }

    /// The error of an open after the database was changed.
    private func refusal(_ changes: String...) async throws -> StintError {
        let database = try await TestDatabase()
        for change in changes { _ = try await database.administrator.run(change) }
        let error = try await stintError { try await PostgresStore.open(database.url) }
        await database.close()
        #expect(error.code == .databaseUnusable)
        return error
    }

    @Test("but not if a newer Stint has migrated it, or one with another text of a migration")
    func otherSchemas() async throws {
        let database = try await TestDatabase()
        await (try PostgresStore.open(database.url)).close()
        _ = try await database.administrator.run(
            "INSERT INTO stint.migrations (version, name, sql, applied_at) VALUES (1000, 'later', '', 0)")
        let newer = try await stintError { try await PostgresStore.open(database.url) }
        #expect(newer.code == .databaseUnusable && "\(newer)".contains("newer Stint"), "\(newer)")
        _ = try await database.administrator.run("DELETE FROM stint.migrations WHERE version = 1000")
        _ = try await database.administrator.run("UPDATE stint.migrations SET sql = sql || ' ' WHERE version = 1")
        let other = try await stintError { try await PostgresStore.open(database.url) }
        #expect(other.code == .databaseUnusable && "\(other)".contains("another text"), "\(other)")
        await database.close()
    }

    @Test("but not if another program has a schema named stint")
    func foreignSchema() async throws {
        let error = try await refusal("CREATE SCHEMA stint", "CREATE TABLE stint.jobs (n integer)")
        #expect("\(error)".contains("a schema named stint that Stint did not make"), "\(error)")
    }

    @Test("and a role that may not create the schema is told who can")
    func withoutPermission() async throws {
        let database = try await TestDatabase()
        let role = "r" + String(UInt64.random(in: .min ... .max), radix: 36)
        _ = try await database.administrator.run("CREATE ROLE \(role) LOGIN")
        let url = database.url + (database.url.contains("?") ? "&" : "?") + "user=\(role)"
        let error = try await stintError { try await PostgresStore.open(url) }
        #expect(error.code == .databaseUnusable && "\(error)".contains("may not create it"), "\(error)")
        _ = try await database.administrator.run("DROP ROLE \(role)")
        await database.close()
    }
}
