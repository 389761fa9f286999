import PostgresSupport
import StintCore
import StintPlatform
import StintPostgres
import TestSupport
import Testing

@Suite("PostgreSQL: reconnects")
struct ReconnectTests {
    @Test("waiting for a server that does not answer costs no processor time")
    func silentServer() async {
        await #expect(processExitsWith: .success) {
            let port = try LoopbackPort(listens: true)
            var options = PostgresConnections.Options()
            options.connectionWait = .zero
            let connections = try PostgresConnections(
                "postgres://u@127.0.0.1:\(port.number)/d?connect_timeout=3", options: options)
            let before = clock()
            let error = try await stintError { try await connections.run("SELECT 1") }
            // Of all threads together. It waits for three seconds.
            let seconds = Double(clock() - before) / 1_000_000
            precondition(error.code == .databaseBusy, error.description)
            precondition(seconds < 0.3, "\(seconds) s of processor time")
        }
    }

    @Test(
        "1,000 reconnects leak no connection, no descriptor, no result and no memory",
        .enabled(if: PostgresCluster.isOwn))
    func leaks() async {
        // In a process of its own, whose descriptors and memory are nobody else's.
        await #expect(processExitsWith: .success) {
            var options = PostgresConnections.Options.one
            options.reconnect = .constant(.zero)
            let database = try await TestDatabase(options)
            func reconnect(_ times: Int) async throws {
                for _ in 1...times {
                    // 100 kB, so that a result that stays behind shows.
                    let row = try await database.connections.run(
                        [PostgresStatement("SELECT pg_backend_pid(), repeat('x', 100000)")], isReading: true)[0][0]
                    _ = try await database.administrator.run(
                        "SELECT pg_terminate_backend($1::integer)", .int32(Int32(row.int(0))))
                }
            }
            func descriptors() -> Int { SystemFile.numbers(in: "/proc/self/fd").count }
            func resident() -> Int {
                let fields = SystemFile.text(of: "/proc/self/statm")?.split(separator: " ") ?? []
                return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(getpagesize())
            }
            try await reconnect(100)
            // A connection that was lost has no descriptor: it is made again before they are counted.
            _ = try await database.connections.run([PostgresStatement("SELECT 1")], isReading: true)
            let (descriptorsBefore, memoryBefore) = (descriptors(), resident())
            try await reconnect(1_000)
            print("descriptors: \(descriptorsBefore), then \(descriptors())")
            print("resident memory: \(memoryBefore), then \(resident())")
            // Those of connections that were just lost or are just made may come and go.
            try await eventually("there are no more descriptors than before") { descriptors() <= descriptorsBefore }
            // A connection has more than 32 kB of buffers, 1,000 have more than 32 MB.
            precondition(resident() - memoryBefore < 12 << 20, "memory")
            // The last that were terminated may take a moment to end.
            try await eventually("there is one connection at most") {
                try await database.administrator.run(
                    """
                    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)[0].int(0) <= 1
            }
        }
    }
}
