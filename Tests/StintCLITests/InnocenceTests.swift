import Foundation
import GRDB
import Subprocess
import TestSupport
import Testing

/// What the machine does to workers costs no job anything, and a worker that lives keeps its jobs.
@Suite("No job pays for what the machine does", .inOwnFolder, .timeLimit(.minutes(5)))
struct InnocenceTests {
    let place = Workplace.ofThisTest

    /// Notes its start, and ends when the file `go` exists.
    private static let patient =
        "echo $STINT_JOB_ID >> starts; until [ -e go ]; do sleep 0.05; done; echo $STINT_JOB_ID >> ends"

    private func expectUnharmed(_ id: Int) async throws {
        let job = try await place.job(id)
        #expect(job.attempts == 0 && job.crashes == 0, "\(job)")
        #expect(job.failures?.contains { $0.kind == "crashed" } != true, "\(job.failures ?? [])")
    }

    // MARK: - Who lives

    @Test(
        "a worker with a boot id of its own, or a hidden one, keeps its job beside workers with another",
        .enabled("boot ids cannot be covered here") { await Tools.canMakeNamespaces("--mount") },
        arguments: ["6c2f1a9e-0000-4000-8000-000000000000", "unknown"])
    func bootIDs(_ boot: String) async throws {
        try place.write("bootid", Array((boot + "\n").utf8))
        try await place.stint("put", "x")
        let cover = "mount --bind bootid /proc/sys/kernel/random/boot_id && exec \"$0\" \"$@\""
        let inContainer = ["--mount", "sh", "-c", cover, Workplace.stint]
        let outcome = try await place.whileRunning(
            inContainer + ["work", "--lease", "2s", "--", "sh", "-c", Self.patient], of: "/usr/bin/unshare"
        ) { worker in
            try await eventually("the job runs") { try place.lines("starts") == ["1"] }
            // A process outside, or in a container with yet another id, sees that the worker lives.
            #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0\n")
            try place.write("bootid", Array("another\n".utf8))
            let reap = try await place.run("/usr/bin/unshare", .init(inContainer + ["reap"]))
            #expect(reap.output == "requeued 0, buried 0, pruned 0\n", "\(reap.errors)")
            try place.write("go")
            try await eventually("it is done") { try await place.counts().done == 1 }
            worker.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try place.lines("starts") == ["1"] && place.lines("ends") == ["1"])
    }

    // MARK: - Long locks

    @Test(
        "a job runs once although somebody holds the write lock for longer than its lease, and is acknowledged after that"
    )
    func longLock() async throws {
        for name in ["during", "after"] { try await place.stint("put", name) }
        // The first job ends while the lock is held, the second one runs on.
        let command = """
            echo $STINT_JOB_ID >> starts
            if [ "$(cat)" = during ]; then until [ -e locked ]; do sleep 0.02; done
            else until [ -e go ]; do sleep 0.02; done; fi
            echo $STINT_JOB_ID >> ends
            """
        let outcome = try await place.whileRunning(
            ["work", "--workers", "2", "--lease", "600ms", "--", "sh", "-c", command]
        ) { worker in
            try await eventually("both run") { try place.lines("starts").count == 2 }
            try await holdLock(for: .milliseconds(2_500)) {
                try place.write("locked")
                try await eventually("one has ended") { try place.lines("ends") == ["1"] }
            }
            // The first reap after the lock comes at once, and once more.
            for _ in 1...2 {
                #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0\n")
            }
            try place.write("go")
            try await eventually("both are done") { try await place.counts().done == 2 }
            worker.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try place.lines("starts").sorted() == ["1", "2"] && place.lines("ends").sorted() == ["1", "2"])
    }

    /// Holds `BEGIN IMMEDIATE`, like a program that has nothing to do with Stint.
    private func holdLock(for duration: Duration, _ body: () async throws -> Void) async throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let database = try DatabaseQueue(path: place.path("stint.db"), configuration: configuration)
        try await database.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE")
        }
        let end = ContinuousClock.now + duration
        try await body()
        try await eventually("the lock was held for \(duration)") { ContinuousClock.now >= end }
        try await database.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try database.close()
    }

    // MARK: - Containers and orders

    @Test(
        "a container that is killed with all in it, again and again, costs its job nothing",
        .enabled("pid namespaces cannot be made here") { await Tools.canMakeNamespaces("--pid", "--mount-proc") })
    func killedContainers() async throws {
        try await place.stint("put", "--max-attempts", "1", "--max-crashes", "1", "x")
        for round in 1...3 {
            _ = try await place.whileRunning(
                [
                    "--pid", "--mount-proc", "--fork", "--kill-child", Workplace.stint, "work", "--lease", "60s", "--",
                    "sh",
                    "-c", Self.patient,
                ], of: "/usr/bin/unshare"
            ) { container in
                try await eventually("the job runs for the \(round). time") { try place.lines("starts").count == round }
                container.send(SIGKILL)
            }
            try await eventually("its job is back") {
                try await place.stint("reap")
                return try await place.counts().leased == 0
            }
            try await expectUnharmed(1)
        }
        // A worker that outlives its supervisor for a moment may still give its job back itself.
        let job = try await place.job(1)
        #expect(job.state != "buried" && job.failures?.allSatisfy { $0.kind == "lost" } != false)
    }

    @Test(
        "SIGTERM to a whole tree of processes, five times, costs its jobs nothing", arguments: ["exit 143", "SIGTERM"])
    func wholeTree(_ answer: String) async throws {
        try await place.stint("put", "--max-attempts", "1", "--max-crashes", "1", "x")
        let command =
            answer == "SIGTERM"
            ? "echo x >> starts; exec sleep 60"
            : "trap 'exit 143' TERM; echo x >> starts; while :; do sleep 0.02; done"
        for round in 1...5 {
            let outcome = try await place.whileRunning(["work", "--grace", "10s", "--", "sh", "-c", command]) {
                process in
                try await eventually("the job runs for the \(round). time") { try place.lines("starts").count == round }
                // As systemd does it: a signal to each process of the tree, the commands first.
                for victim in tree(below: process).reversed() { victim.send(SIGTERM) }
            }
            #expect(outcome.code == 0, "\(outcome.errors)")
            let job = try await place.job(1)
            #expect(job.state == "ready" && job.attempts == 0 && job.crashes == 0, "\(job)")
            #expect(job.failures == nil || job.failures!.isEmpty, "\(job.failures!.map(\.error))")
        }
    }

    /// The process itself first, then its children, then theirs.
    private func tree(below process: RunningProcess) -> [RunningProcess] {
        [process] + process.children.flatMap { tree(below: $0) }
    }

    @Test("a command that SIGTERM ends while nobody stops the worker has crashed, as by any signal")
    func sigtermAlone() async throws {
        try await place.stint("put", "--max-crashes", "1", "x")
        let outcome = try await place.attempt("work", "--drain", "--", "sh", "-c", "kill -TERM $$; sleep 9")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let job = try await place.job(1)
        #expect(job.state == "buried" && job.crashes == 1)
        #expect(job.reason?.contains("SIGTERM") == true)
    }

    // MARK: - Frozen time

    @Test("time in which all is stopped does not count: no timeout, no crash, no second start")
    func frozen() async throws {
        try await place.stint("put", "--max-attempts", "1", "--max-crashes", "1", "x")
        let outcome = try await place.whileRunning(
            ["work", "--timeout", "2500ms", "--lease", "1s", "--", "sh", "-c", Self.patient]
        ) { process in
            try await eventually("the job runs") { try place.lines("starts") == ["1"] }
            let all = tree(below: process)
            #expect(all.count >= 3, "supervisor, worker and command")
            for victim in all { victim.send(SIGSTOP) }
            let end = ContinuousClock.now + .seconds(4)
            try await eventually("they were stopped for 4 s") { ContinuousClock.now >= end }
            for victim in all.reversed() { victim.send(SIGCONT) }
            try place.write("go")
            try await eventually("it is done") { try await place.counts().done == 1 }
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try place.lines("starts") == ["1"] && place.lines("ends") == ["1"])
    }
}
