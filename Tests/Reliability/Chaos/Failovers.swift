import Foundation
import History
import PostgresSupport
import StintCore
import StintPostgres
import TestSupport

/// What happens to three PostgreSQL servers under Patroni, again and again.
package struct Failovers: Sendable {
    package enum Fault: String, CaseIterable, Sendable {
        /// SIGKILL to the primary's Patroni and to its server, as when a machine dies. Both start again when there is a new
        /// primary.
        case death
        /// SIGKILL to the primary alone. Its Patroni starts it again.
        case crash
        /// SIGSTOP to the primary's Patroni: another server becomes the primary, and the old one still takes writes. Then
        /// the old one ends all its connections, and Patroni goes on.
        case split
        /// As `death`, after the standbys have received nothing for a while.
        case lag
    }

    /// One of them.
    package struct Outcome: Sendable {
        package let fault: Fault
        /// When it began, and when a server took writes that did not before, in the nanoseconds of the history.
        package let began: Int64
        package let recovered: Int64
    }

    package let cluster: PatroniCluster
    package let database: String
    /// How often of each kind, in any order.
    package var faults: [Fault: Int] = [:]
    /// From one to the next, unless the servers need longer until all follow the new primary.
    package var interval: Duration = .seconds(20)
    /// Whether somebody holds a snapshot open all the time.
    package var holdsSnapshot = false

    package init(_ cluster: PatroniCluster, database: String) {
        self.cluster = cluster
        self.database = database
    }

    package var url: String { cluster.url(database) }
    /// Without the pooler.
    var directURL: String { cluster.directURL(database) }
    /// Where the pooler does not pass notifications on.
    var listenURL: String? { cluster.options.hasPooler ? directURL : nil }

    // MARK: - Faults

    /// - Returns: What has happened, and what must not have.
    func strike(_ log: HistoryLog, seed: UInt64) async throws -> (outcomes: [Outcome], troubles: [String]) {
        var chance = SeededGenerator(seed: seed)
        let plan = faults.sorted { $0.key.rawValue < $1.key.rawValue }
            .flatMap { Array(repeating: $0.key, count: $0.value) }.shuffled(using: &chance)
        var (outcomes, troubles): ([Outcome], [String]) = ([], [])
        for fault in plan {
            let next = ContinuousClock.now + interval
            let pause = Duration.milliseconds(Int.random(in: 0..<2_000, using: &chance))
            try await cluster.waitUntilComplete()
            try await Task.sleep(for: pause)
            outcomes.append(try await strike(fault, pause: pause, log, &troubles))
            try await Task.sleep(until: next, clock: .continuous)
        }
        return (outcomes, troubles)
    }

    private func strike(
        _ fault: Fault, pause: Duration, _ log: HistoryLog, _ troubles: inout [String]
    ) async throws -> Outcome {
        let old = try await cluster.waitForPrimary()
        if fault == .lag {
            try await cluster.suspendReplication()
            try await Task.sleep(for: .seconds(1) + pause / 2)
        }
        let began = HistoryLog.monotonicNanoseconds()
        switch fault {
        case .death, .lag: try await cluster.kill(old)
        case .crash: try await cluster.crash(old)
        case .split: try await cluster.suspendPatroni(of: old)
        }
        // What the dead primary has sent and they have not received is lost.
        if fault == .lag { try await cluster.restartReplication() }
        _ = try await cluster.waitForPrimary(besides: fault == .crash ? [] : [old])
        let recovered = HistoryLog.monotonicNanoseconds()
        switch fault {
        case .crash: break
        case .death, .lag:
            try await Task.sleep(for: pause)
            try await cluster.start(old)
        case .split:
            troubles += await probe(old, log)
            try await cluster.endConnections(to: database, of: old)
            troubles += await probe(old, log)
            try await cluster.resumePatroni(of: old)
        }
        return Outcome(fault: fault, began: began, recovered: recovered)
    }

    /// A process that knows only the old primary: nothing that it is answered may be unknown to the new one.
    private func probe(_ old: PatroniCluster.Node, _ log: HistoryLog) async -> [String] {
        var troubles: [String] = []
        do {
            var options = PostgresStore.Options()
            options.logger = Player.quiet
            let store = try await PostgresStore.open(cluster.url(database, of: old), options: options)
            let queue = JobQueue(store: RecordingStore(store, log))
            async let added = Result {
                _ = try await queue.enqueue(
                    payload: Array("good \(log.process).\(HistoryLog.monotonicNanoseconds())".utf8), in: "a")
                return 1
            }
            async let claimed = Result {
                try await queue.store.exchange(
                    [], for: ClaimRequest(queues: ["a"], limit: 1, lease: .milliseconds(100), worker: "probe")
                ).jobs.count
            }
            for (what, result) in [("enqueued", await added), ("claimed", await claimed)] {
                switch result {
                case .success(0): break
                case .success: troubles.append("a primary that was replaced has \(what) a job")
                case .failure(let error as StintError) where [.outcomeUnknown, .databaseBusy].contains(error.code):
                    break
                case .failure(let error): troubles.append("a primary that was replaced failed with \(error)")
                }
            }
            await store.close()
        } catch {
            troubles.append("a primary that was replaced cannot be tried: \(error)")
        }
        return troubles
    }

    /// The primary ends all connections, whatever they are doing.
    func endConnections() async throws {
        guard let primary = await cluster.primary() else { return }
        // It may die at this moment.
        try? await cluster.endConnections(to: database, of: primary)
    }

    // MARK: - Recovery

    /// After a new primary takes writes, all must go on within this.
    private static let recoveryLimit: Duration = .seconds(5)

    func judge(_ report: inout ChaosRun.Report, _ checker: HistoryChecker) {
        if !cluster.options.isSynchronous { judgeLoss(&report, checker) }
        for outcome in report.failovers {
            let outage = Duration.nanoseconds(outcome.recovered - outcome.began)
            let (claim, ack) = checker.recovery(after: outcome.recovered)
            func shown(_ time: Duration?) -> String { time.map { "\($0.milliseconds) ms" } ?? "never" }
            let facts =
                "\(outcome.fault.rawValue): a primary after \(shown(outage)); from there to the first claim "
                + "\(shown(claim)), to the first ack \(shown(ack))"
            report.recoveries.append(facts)
            if claim ?? .seconds(1_000) > Self.recoveryLimit || ack ?? .seconds(1_000) > Self.recoveryLimit {
                report.troubles.append("more than \(Self.recoveryLimit) without work after a \(facts)")
            }
        }
    }

    /// What asynchronous replication may lose: what was answered within this before the death of a primary.
    private static let lossLimit: Duration = .seconds(5)

    /// Of the checker's rules those about jobs, leases and tokens do not hold then. What was undone is counted instead.
    private func judgeLoss(_ report: inout ChaosRun.Report, _ checker: HistoryChecker) {
        let broken = Dictionary(grouping: report.violations, by: \.rule).mapValues(\.count)
        for (rule, count) in broken.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            report.recoveries.append("not so, \(count) times: \(rule.rawValue)")
        }
        report.violations = []
        let undone = checker.undone(byDeathsAt: report.failovers.map(\.began))
        for (what, ages) in [("enqueues", undone.enqueues), ("acks", undone.acks)] {
            let oldest = ages.compactMap { $0 }.max() ?? .zero
            report.recoveries.append(
                "\(ages.count) \(what) were answered and lost; the oldest was answered \(oldest.milliseconds) ms before the "
                    + "death of a primary")
            if oldest > Self.lossLimit || ages.contains(nil) {
                report.troubles.append("\(what) were lost that no death of a primary explains")
            }
        }
    }

    // MARK: - The snapshot

    /// Holds a snapshot of the database open, if that is wanted, on whatever server is the primary, until it is cancelled.
    func holdSnapshot() async throws {
        while holdsSnapshot, !Task.isCancelled {
            do {
                var options = PostgresConnections.Options()
                options.idleInTransactionTimeout = .zero
                options.logger = Player.quiet
                let connections = try PostgresConnections(directURL, options: options)
                defer { Task { await connections.close() } }
                try await connections.transaction { transaction in
                    _ = try await transaction.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    while !Task.isCancelled {
                        _ = try await transaction.run("SELECT count(*) FROM stint.queues")
                        try await Task.sleep(for: .seconds(1))
                    }
                }
            } catch is CancellationError {
                return
            } catch let error as StintError where [.databaseBusy, .outcomeUnknown].contains(error.code) {
                continue
            }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
