import PostgresSupport
import StintPostgres
import Testing

@Suite("PostgreSQL: connections")
struct ConnectionTests {
    @Test("statements of a pipeline return their rows in order, in one transaction")
    func pipeline() async throws {
        let connections = try await PostgresConnections(PostgresCluster.shared.database())
        let rows = try await connections.run([
            PostgresStatement("CREATE TABLE numbers (n bigint)"),
            PostgresStatement("SELECT $1::bigint, $2::text", [.int(7), .text("seven")]),
            PostgresStatement("SELECT txid_current() = txid_current_if_assigned()"),
        ])
        #expect(rows.count == 3)
        #expect(try rows[1][0].int(0) == 7)
        #expect(try rows[1][0].text(1) == "seven")
        #expect(try rows[2][0].bool(0))
        await connections.close()
    }
}
