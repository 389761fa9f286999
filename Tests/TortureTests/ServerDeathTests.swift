import PostgresSupport
import TestSupport
import Testing
import Torture

@Suite(
    "A PostgreSQL server dies at any moment",
    .enabled("PostgreSQL's initdb and pg_ctl are not here: install the package 'postgresql'") {
        try await PostgresCluster.isInstalled()
    }, .timeLimit(.minutes(5)))
struct ServerDeathTests {
    @Test("the server is killed, restarted and ends connections, processes are killed and stopped, and nothing is lost")
    func run() async throws {
        let folder = try TemporaryFolder()
        let cluster = try PostgresCluster()
        let seed = chosenSeed()
        var run = ChaosRun(seed: seed, duration: .seconds(15), program: stintTorture, folder: folder.path)
        run.server = (cluster, try await cluster.createDatabase())
        run.roles = ChaosRun.castOnServer
        (run.kills, run.stops, run.freezes, run.orders) = (20, 4, 1, 2)
        (run.disconnects, run.restarts, run.crashes) = (6, 2, 3)
        let report = try await run.run()
        print(report.summary)
        let problems = report.problems
        #expect(problems == [], "seed \(seed)")
        #expect(report.kills.values.reduce(0, +) == 20 && report.actions["lost connections"] == 6)
        #expect(report.supervisedWriters > 0)
        #expect(report.actions["crashes of the server"] == 3 && report.actions["restarts of the server"] == 2)
        try cluster.stop()
    }
}
