import PostgresSupport
import StintCore
import StintPostgres
import TestSupport
import Testing

@Suite("PostgreSQL: a primary that was replaced and still takes writes")
struct ReplacedPrimaryTests {
    private static let noWait = "options=-c%20synchronous_commit%3Dlocal"

    /// Two servers that take writes. The commits of the first one wait for a standby that never comes.
    private func withTwoPrimaries(
        _ body: (_ url: String, _ folders: [String], _ old: PostgresConnections) async throws -> Void
    ) async throws {
        let clusters = [
            try PostgresCluster(settings: ["fsync": "off", "synchronous_standby_names": "nobody"]),
            try PostgresCluster(settings: ["fsync": "off"]),
        ]
        let folders = try clusters.map { try #require($0.folder) }
        let administrators = try clusters.map { try PostgresConnections($0.url("postgres") + "?" + Self.noWait) }
        for administrator in administrators { _ = try await administrator.run("CREATE TABLE t (n bigint)") }
        try await body(
            "postgres://postgres@/postgres?host=\(folders.joined(separator: ",").replacing("/", with: "%2F"))", folders,
            administrators[0])
        for administrator in administrators { await administrator.close() }
        for cluster in clusters { try cluster.stop() }
    }

    private static let folder = PostgresStatement("SELECT current_setting('unix_socket_directories')")

    /// To which servers two connections are, by their folders.
    private func servers(_ connections: PostgresConnections) async throws -> [String] {
        try await connections.transaction { transaction in
            let other = try await connections.run([Self.folder], isReading: true)
            let rows = try await transaction.run([Self.folder])
            return [try rows[0][0].text(0), try other[0][0].text(0)]
        }
    }

    @Test(
        """
        a commit that is not answered is given up when its time is over, or before if another server takes writes; then all \
        connections go to that one
        """,
        .enabled(if: PostgresCluster.isOwn), arguments: [Duration.milliseconds(300), .seconds(30)], [true, false])
    func otherServer(commitTimeout: Duration, isOneRoundTrip: Bool) async throws {
        try await withTwoPrimaries { url, folders, old in
            var options = PostgresConnections.Options()
            options.connections = 2
            options.commitTimeout = commitTimeout
            let connections = try PostgresConnections(url, options: options)
            var notifications = connections.notifications("c").makeAsyncIterator()
            #expect(await notifications.next() == "")
            // Both connections are open, and to the first server.
            #expect(try await servers(connections) == [folders[0], folders[0]])
            let error = try await stintError {
                if isOneRoundTrip {
                    _ = try await connections.run("INSERT INTO t VALUES (1)")
                } else {
                    try await connections.transaction { _ = try await $0.run("INSERT INTO t VALUES (1)") }
                }
            }
            #expect(error.code == .outcomeUnknown)
            // The time of one round trip has also that of its statements.
            let isOver = commitTimeout < .seconds(1) && !isOneRoundTrip
            #expect(
                error.description.contains(isOver ? "did not answer in time" : "another server has become the primary"))

            #expect(await notifications.next() == "", "the listener has begun again")
            #expect(try await servers(connections) == [folders[1], folders[1]])
            let listeners = try await old.run(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()")
            #expect(try listeners[0].int(0) == 0)
            await connections.close()
        }
    }

    @Test(
        "a commit that waits for a standby is waited for if no other server takes writes",
        .enabled(if: PostgresCluster.isOwn))
    func noOtherServer() async throws {
        try await withTwoPrimaries { url, folders, old in
            // The second one cannot be connected to.
            let alone = url.replacing(folders[1].replacing("/", with: "%2F"), with: "%2Fnowhere")
            var options = PostgresConnections.Options.one
            options.commitTimeout = .seconds(4)
            let connections = try PostgresConnections(alone, options: options)
            let error = try await stintError { try await connections.run("INSERT INTO t VALUES (1)") }
            #expect(error.description.contains("did not answer in time"))
            #expect(try await connections.run([Self.folder], isReading: true)[0][0].text(0) == folders[0])
            await connections.close()
        }
    }

    @Test(
        "what a worker holds is told when the standby has it: what can be seen may still be lost",
        .enabled(if: PostgresCluster.isOwn))
    func held() async throws {
        let cluster = try PostgresCluster(settings: ["fsync": "off", "synchronous_standby_names": "nobody"])
        let administrator = try PostgresConnections(cluster.url("postgres") + "?" + Self.noWait)
        let local = try await PostgresStore.open(cluster.url("postgres") + "?" + Self.noWait)
        let worker = try await local.register(
            WorkerRegistration(name: "w", process: WorkerProcess(name: "w", id: "w"), queues: ["q"], concurrency: 1),
            as: nil)
        _ = try await local.enqueue([NewJob([], in: "q")])
        let request = ClaimRequest(
            queues: ["q"], limit: 1, lease: .seconds(600), worker: "w", registration: worker.id)
        let job = try #require(try await local.claim(request).first)

        // Reading cleans up what is gone, and writes that to the log: it is done before.
        _ = try await administrator.run([PostgresStatement("VACUUM", isRare: true)])
        let store = try await PostgresStore.open(cluster.url("postgres"))
        let look = Task { try await store.leases(heldBy: worker.id) }
        try await eventually("the answer waits for the standby") {
            try await administrator.run("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'").count == 1
        }
        _ = try await administrator.run([
            PostgresStatement("ALTER SYSTEM SET synchronous_standby_names = ''", isRare: true)
        ])
        _ = try await administrator.run("SELECT pg_reload_conf()")
        #expect(try await look.value.map(\.lease) == [job.lease])
        for store in [local, store] { await store.close() }
        await administrator.close()
        try cluster.stop()
    }
}
