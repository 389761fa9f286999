import ArgumentParser
import PostgresSupport
import Torture

/// Three PostgreSQL servers, of which the primary dies again and again.
struct FailoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover",
        abstract: "Kills primaries under Patroni while all are at work; then nothing may be lost.",
        discussion: "Needs Debian's packages patroni, etcd-server, python3-etcd, postgresql and pgbouncer.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "How often the primary and its Patroni are killed.") var deaths = 3
    @Option(help: "How often the primary is killed alone, so that Patroni starts it again.") var crashes = 1
    @Option(help: "How often Patroni is stopped, so that there are two primaries.") var splits = 1
    @Option(help: "How often the primary dies while its standbys lag behind.") var lags = 1
    @Option(help: "From one to the next, in seconds.") var interval = 20
    @Flag(help: "With PgBouncer in front of the servers.") var pooler = false
    @Flag(help: "With asynchronous replication, which loses the last effects before a death.") var asynchronous = false
    @Flag(help: "With a snapshot that is held open.") var snapshot = false
    @OptionGroup var hardships: Hardships

    func run() async throws {
        let place = try TortureFolder()
        var options = PatroniCluster.Options()
        options.hasPooler = pooler
        options.isSynchronous = !asynchronous
        let cluster = try await PatroniCluster(options: options, logs: place.path + "/servers")
        try await cluster.createDatabase("stint")
        let faults: [Failovers.Fault: Int] = [.death: deaths, .crash: crashes, .split: splits, .lag: lags]
        let seconds = faults.values.reduce(0, +) * interval
        var run = ChaosRun(seed: seed, duration: .seconds(seconds), program: try ownProgram(), folder: place.path)
        hardships.apply(
            to: &run, usual: [\.kills: seconds / 3, \.stops: seconds / 20, \.freezes: 1, \.orders: seconds / 20])
        (run.locks, run.replacements, run.bootIDs, run.containers, run.descriptors) = (0, 0, 0, 0, 0)
        run.disconnects = seconds / 10
        run.roles = ChaosRun.castOnServer
        var failovers = Failovers(cluster, database: "stint")
        failovers.faults = faults
        failovers.interval = .seconds(interval)
        failovers.holdsSnapshot = snapshot
        run.failovers = failovers
        print(
            "stint-torture failover --seed \(seed) --deaths \(deaths) --crashes \(crashes) --splits \(splits) "
                + "--lags \(lags) --interval \(interval)\(pooler ? " --pooler" : "")\(snapshot ? " --snapshot" : "")"
                + "\(asynchronous ? " --asynchronous" : "") \(run.options)")
        let report = try await run.run()
        report.tell()
        for line in report.recoveries { print(line) }
        try cluster.stop()
        try conclude(
            report.problems, place,
            good: asynchronous ? "no more was lost than the last moments before a death" : "nothing was lost")
    }
}
