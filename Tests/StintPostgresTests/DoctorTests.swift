import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: what stint doctor finds")
struct DoctorTests {
    private func wrong(_ findings: [Finding], _ subject: String) -> String? {
        findings.first { $0.subject == subject && !$0.isGood }?.description
    }

    @Test("a transaction that stays open, and who it is")
    func oldSnapshot() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        #expect(wrong(try await store.examineSurroundings(), "old snapshot") == nil)
        try await database.connections.transaction { holder in
            _ = try await holder.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            let process = try await holder.run("SELECT pg_backend_pid()")[0].int(0)
            // As if it had begun ten minutes ago: the doctor's patience is what a test can change.
            let findings = try await store.read { try await $0.cleanUpFindings(olderThan: .zero) }
            let found = try #require(self.wrong(findings, "old snapshot"))
            #expect(
                found.contains("process \(process)") && found.contains("pg_terminate_backend(\(process))"), "\(found)")
        }
        await store.close()
        await database.close()
    }

    @Test("and it judges nothing that its role cannot see")
    func hidden() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        try await database.withRole {
            ["GRANT SELECT ON ALL TABLES IN SCHEMA stint TO \($0)"]
        } _: { role in
            let findings = try await store.read { transaction in
                try await transaction.run("SET LOCAL ROLE \(role)")
                return try await transaction.serverFindings() + transaction.cleanUpFindings(olderThan: .zero)
            }
            for subject in ["connections", "old snapshot"] {
                let found = try #require(findings.first { $0.subject == subject })
                #expect(found.isGood && found.description.contains("GRANT pg_read_all_stats"), "\(found)")
            }
        }
        await store.close()
        await database.close()
    }

    @Test("jobs in no state, in two states, and counts that are wrong")
    func tables() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        _ = try await store.enqueue(
            (0..<4).map { try NewJob([$0], in: "q", options: JobOptions(group: $0 == 3 ? "g" : nil)) })
        _ = try await store.claim(ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(60), worker: "w"))
        #expect(try await store.examineTables().allSatisfy(\.isGood))
        _ = try await database.administrator.run("DELETE FROM stint.ready WHERE job_id = 2")
        let states = try #require(wrong(try await store.examineTables(), "states"))
        #expect(states.contains("job 2 (in no state)"), "\(states)")
        let counts = try #require(wrong(try await store.examineTables(), "counts"))
        #expect(counts.contains("'q' has") && counts.contains("ready jobs and counts"), "\(counts)")
        _ = try await database.administrator.run(
            "INSERT INTO stint.delayed (job_id, run_at, queue_id, attempts, crashes, suspect) VALUES (3, 0, 1, 0, 0, false)"
        )
        _ = try await database.administrator.run("DELETE FROM stint.jobs WHERE id = 4")
        let more = try #require(wrong(try await store.examineTables(), "states"))
        #expect(more.contains("job 3 (in 2 states)") || more.contains("3 (in 2 states)"), "\(more)")
        #expect(more.contains("4 (without the job itself)"), "\(more)")
        await store.close()
        await database.close()
    }

    @Test("settings that lose jobs, and standbys that are missing")
    func settings() async throws {
        let cluster = try PostgresCluster(settings: ["fsync": "off"])
        let url = try await cluster.createDatabase()
        await (try PostgresStore.open(url)).close()
        let administrator = try PostgresConnections(url)
        let name = try await administrator.run("SELECT quote_ident(current_database())")[0].text(0)
        _ = try await administrator.run("ALTER DATABASE \(name) SET synchronous_commit = local")
        await administrator.close()
        let local = try PostgresConnections(url)
        _ = try await local.run([
            PostgresStatement("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", isRare: true)
        ])
        _ = try await local.run("SELECT pg_reload_conf()")
        let store = try await PostgresStore.open(url)
        try await eventually("the setting counts") {
            try await local.run("SELECT current_setting('synchronous_standby_names')")[0].text(0) == "nobody"
        }
        let findings = try await store.examineSurroundings()
        #expect(wrong(findings, "durability")?.contains("fsync is off") == true, "\(findings)")
        #expect(wrong(findings, "replication")?.contains("synchronous_commit is local") == true, "\(findings)")
        await store.close()
        _ = try await local.run("ALTER DATABASE \(name) RESET synchronous_commit")
        await local.close()
        let waiting = try await PostgresStore.open(url)
        let others = try await waiting.read { try await $0.serverFindings() }
        #expect(wrong(others, "replication")?.contains("no synchronous standby is connected") == true, "\(others)")
        await waiting.close()
        try cluster.stop()
    }
}
