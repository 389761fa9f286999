import History
import StintSQLite
import TestSupport
import Testing
import Torture

/// Without one of its guards Stint breaks a promise, and the checker reports which.
@Suite("A guard that is missing is missed", .timeLimit(.minutes(5)))
struct MutationTests {
    @Test("the fence: a late ack counts")
    func fence() async throws {
        let folder = try TemporaryFolder()
        var run = ChaosRun(seed: 1, duration: .zero, program: stintTorture, folder: folder.path)
        run.without = RemovedGuard.fence.rawValue
        let (report, answer) = try await run.lateAck()
        #expect(answer == .done)
        let broken = Set(report.violations.map(\.rule))
        #expect(broken.contains(.staleWord))
    }

    @Test("the count before the start: a job that kills its worker has lost no attempt")
    func attemptBeforeStart() async throws {
        let folder = try TemporaryFolder()
        var run = ChaosRun(seed: 1, duration: .zero, program: stintTorture, folder: folder.path)
        run.lease = .seconds(30)
        let sound = try await run.poison()
        #expect(sound.problems == [])
        let other = try TemporaryFolder()
        run.folder = other.path
        run.without = RemovedGuard.attemptBeforeStart.rawValue
        let report = try await run.poison()
        let broken = Set(report.violations.map(\.rule))
        #expect(broken.contains(.attemptNotCounted))
    }

    @Test(
        """
        the immediate transaction, the unique index, the end of a digest, the tick, the key, the supervisor's answer: \
        with everything running
        """,
        arguments: [
            (RemovedGuard.immediateTransaction, Rule.busyTooEarly), (.uniqueIndex, .keyTwice),
            (.closedDigest, .eventUnread), (.tickTransaction, .tickTwice), (.idempotencyKey, .repeatedTwice),
            (.earlyAnswer, .ranAfterDone),
        ])
    func run(_ removed: RemovedGuard, _ rule: Rule) async throws {
        // Whether it shows that a guard is missing depends on moments at which processes meet, and a run has only some: the next
        // seed goes on with the search.
        let seed = chosenSeed()
        var broken: Set<Rule> = []
        var summaries: [String] = []
        while !broken.contains(rule), summaries.count < 8 {
            let folder = try TemporaryFolder()
            var run = ChaosRun(
                seed: seed &+ UInt64(summaries.count), duration: .seconds(3), program: stintTorture, folder: folder.path
            )
            run.kills = 15
            run.without = removed.rawValue
            let report = try await run.run()
            broken.formUnion(report.violations.map(\.rule))
            summaries.append(report.summary)
        }
        #expect(broken.contains(rule), "\(summaries.joined(separator: "; "))")
    }
}
