import PostgresSupport
import StintCore
import StintPlatform
import StintPostgres
import Testing

@Suite("PostgreSQL: TLS")
struct TLSTests {
    @Test(
        "results of all sizes arrive over TLS from a server whose certificate is verified, and no other is accepted",
        .enabled(if: PostgresCluster.isOwn))
    func verified() async throws {
        let port = try LoopbackPort().number
        let cluster = try PostgresCluster(settings: [
            "fsync": "off", "ssl": "on", "listen_addresses": "127.0.0.1", "port": "\(port)",
        ])
        let folder = try #require(cluster.folder).replacing("/", with: "%2F")
        func url(_ certificate: String) -> String {
            "postgres://postgres@localhost:\(port)/postgres?sslmode=verify-full&sslrootcert=\(certificate)"
        }
        let connections = try PostgresConnections(url("\(folder)%2Fdata%2Fserver.crt"), options: .one)
        let inUse = try await connections.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        #expect(try inUse[0].bool(0))
        // Around the size of a TLS record, of which OpenSSL may keep a part.
        for size in Array(stride(from: 8_000, through: 34_000, by: 500)) + [1_000_000] {
            let row = try await connections.run("SELECT repeat('x', $1)", .int32(Int32(size)))[0]
            #expect(try row.text(0).utf8.count == size)
        }
        await connections.close()

        var options = PostgresConnections.Options.one
        options.connectionWait = .zero
        let stranger = try PostgresConnections(url("%2Fetc%2Fno-such-certificate.crt"), options: options)
        let error = try await stintError { try await stranger.run("SELECT 1") }
        #expect(error.code == .databaseUnusable)
        #expect(error.description.contains("cannot be connected to over TLS"))
        await stranger.close()
        try cluster.stop()
    }
}
