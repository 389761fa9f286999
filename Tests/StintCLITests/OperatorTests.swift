import Foundation
import GRDB
import TestSupport
import Testing

@Suite("stint pause, resume, kick, bury, delete, retain and reap", .inOwnFolder, .timeLimit(.minutes(15)))
struct OperatorTests {
    let place = Workplace.ofThisTest

    private func putAndBury(_ count: Int) async throws {
        for id in 1...count {
            try await place.stint("put", "job \(id)")
            try await place.stint("bury", "\(id)")
        }
    }

    @Test("no job of a paused queue is claimed, and a running worker goes on when it is resumed")
    func pause() async throws {
        #expect(try await place.stint("pause", "mail") == "paused mail\n")
        try await place.stint("put", "--queue", "mail", "--priority", "0", "paused")
        try await place.stint("put", "not paused")
        let worker = try await place.whileRunning(
            ["work", "--queue", "mail", "--queue", "default", "--", "true"]
        ) { worker in
            // The paused queue's job would have been the first.
            try await eventually("the other job is done") { try await place.counts().done == 1 }
            #expect(try await place.counts("mail") == QueueDocument(name: "mail", ready: 1, paused: true))
            #expect(try await place.stint("resume", "mail") == "resumed mail\n")
            try await eventually("the job is done") { try await place.counts("mail").done == 1 }
            worker.send(SIGTERM)
        }
        #expect(worker.code == 0)
    }

    @Test("kick brings buried jobs back, oldest first, with their attempts at 0")
    func kick() async throws {
        try await putAndBury(5)
        #expect(try await place.stint("kick", "--limit", "2") == "kicked 2\n")
        #expect(try await place.jobs("ready").map(\.id) == [1, 2])
        #expect(try await place.stint("kick", "4") == "kicked 1\n")
        #expect(try await place.jobs("ready").map(\.id) == [1, 2, 4])
        #expect(try await place.stint("kick", "--queue", "default") == "kicked 2\n")
        #expect(try await place.stint("kick") == "kicked 0\n")
        #expect(try await place.stint("kick", "--queue", "unknown") == "kicked 0\n")
        #expect(try await place.counts() == QueueDocument(name: "default", ready: 5))
    }

    @Test("a kicked job has all its attempts and crashes again")
    func kickResets() async throws {
        try await place.stint("put", "x", "--max-attempts", "2", "--max-crashes", "2")
        for _ in 1...2 {
            _ = try await place.attempt("work", "--drain", "--retry-delay", "0s", "--", "sh", "-c", "kill -KILL $$")
            let job = try await place.job(1)
            #expect((job.state, job.attempts, job.crashes) == ("buried", 2, 2))
            try await place.stint("kick", "1")
            let kicked = try await place.job(1)
            #expect((kicked.state, kicked.attempts, kicked.crashes) == ("ready", 0, 0))
        }
        #expect(try await place.job(1).failures?.count == 4)
    }

    @Test("all or none: one wrong id and nothing is kicked, buried or deleted")
    func allOrNone() async throws {
        try await putAndBury(2)
        try await place.stint("put", "ready")
        let before = try await place.stint("list", "--json")
        let kick = try await place.refusal("kick", "1", "3")
        #expect(kick.code == 65)
        #expect(kick.sentence == "job 3 is ready, not buried: only a buried job can be kicked")
        #expect(try await place.refusal("bury", "3", "9").code == 65)
        #expect(try await place.refusal("delete", "1", "2", "3", "9").code == 65)
        #expect(try await place.stint("list", "--json") == before)
    }

    @Test("delete removes jobs in any state, and their ids are never used again")
    func delete() async throws {
        try await putAndBury(1)
        try await place.stint("put", "ready")
        try await place.stint("put", "delayed", "--delay", "1h")
        #expect(try await place.stint("delete", "1", "2", "3") == "deleted 3\n")
        #expect(try await place.stint("list") == "")
        #expect(try await place.counts() == QueueDocument(name: "default"))
        #expect(try await place.stint("put", "next") == "4\n")
        #expect(try await place.stint("doctor").contains("counts: of 1 queues agree"))
    }

    @Test("done jobs are kept for the queue's retention; then reap prunes them and says so")
    func retention() async throws {
        #expect(try await place.stint("retain", "default", "7d") == "retaining done jobs of default for 7d\n")
        try await place.stint("put", "kept")
        try await place.stint("work", "--drain", "--", "true")
        let kept = try await place.job(1)
        #expect(kept.state == "done")
        #expect(kept.payload == "kept")
        #expect(try #require(kept.doneAt) >= kept.enqueuedAt)
        #expect(try await place.refusal("bury", "1").sentence == "job 1 is done: a done job cannot be buried")
        #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0\n")

        try await place.stint("retain", "default", "1ms")
        try await eventually("the retention is over") {
            try await place.stint("reap") == "requeued 0, buried 0, pruned 1\n"
        }
        #expect(try await place.stint("list") == "")
        #expect(try await place.counts().done == 1)
    }

    @Test("reap reclaims what a killed worker held, at once, or buries what has no crashes left")
    func reap() async throws {
        for (crashes, says) in [("3", "requeued 1, buried 0, pruned 0\n"), ("1", "requeued 0, buried 1, pruned 0\n")] {
            let id = Int(try await place.stint("put", "wait", "--max-crashes", crashes).dropLast())!
            let worker = try await place.whileRunning(["alone", "stint.db"], of: Workplace.crashingWorker) { worker in
                try await eventually("the job runs") { place.exists("starts") }
                #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0\n")
                worker.send(SIGKILL)
            }
            #expect(worker.status == .signaled(SIGKILL))
            #expect(try await place.stint("reap") == says)
            let job = try await place.job(id)
            #expect(job.state == (crashes == "1" ? "buried" : "ready"))
            #expect(job.crashes == 1)
            #expect(job.failures?.map(\.kind) == ["crashed"])
            #expect(job.failures?.first?.error.contains("died; how is not known") == true)
            try await place.stint("delete", "\(id)")
            try FileManager.default.removeItem(atPath: place.path("starts"))
        }
    }

    @Test("reap leaves a worker to its supervisor as long as that lives; when both are dead nobody is blamed")
    func reapSupervised() async throws {
        try await place.stint("put", "x", "--max-crashes", "1")
        _ = try await place.whileRunning(
            ["work", "--lease", "1h", "--", "sh", "-c", "touch started; \(untilThere("gone"))"]
        ) { supervisor in
            try await eventually("the job runs") { place.exists("started") }
            let worker = try #require(supervisor.children.first)
            // The supervisor dies before it can see its worker's end.
            supervisor.send(SIGSTOP)
            worker.send(SIGKILL)
            try await eventually("the worker is dead") { !worker.isAlive }
            let said = try await place.stint("reap")
            #expect(said == "requeued 0, buried 0, pruned 0\n")
            supervisor.send(SIGKILL)
        }
        #expect(try await place.stint("reap") == "requeued 1, buried 0, pruned 0\n")
        let job = try await place.job(1)
        #expect((job.state, job.attempts, job.crashes, job.suspect) == ("ready", 0, 0, false))
        #expect(job.failures?.map(\.kind) == ["lost"])
    }
}

@Suite("stint backup and doctor", .inOwnFolder, .timeLimit(.minutes(15)))
struct BackupTests {
    let place = Workplace.ofThisTest

    @Test("a backup made while a worker runs is a sound database with the same jobs, for its owner alone")
    func backup() async throws {
        try await place.stint("put", "--lines", input: Array("a\nb\nc\n".utf8))
        let worker = try await place.whileRunning(
            ["work", "--", "sh", "-c", "touch started; \(untilThere("go"))"]
        ) { worker in
            try await eventually("a job runs") { place.exists("started") }
            let before = try await place.stint("list", "--json")
            #expect(try await place.stint("backup", "copy.db") == "copied to copy.db\n")
            #expect(try await place.stint("list", "--json", "--db", "copy.db") == before)
            worker.send(SIGTERM)
            try place.write("go")
        }
        #expect(worker.code == 0)
        #expect(try await place.stint("doctor", "--db", "copy.db").contains("file: sound"))
        #expect(try place.mode("copy.db") == "600")
        #expect(try await place.stint("put", "another", "--db", "copy.db") == "4\n")
        #expect(try await place.counts().done == 1)
    }

    @Test("a backup overwrites nothing")
    func existing() async throws {
        try await place.stint("put", "x")
        try place.write("precious", Array("do not lose".utf8))
        for name in ["precious", "stint.db"] {
            let refusal = try await place.refusal("backup", name)
            #expect(refusal.code == 65)
            #expect(refusal.sentence.contains("'\(name)' exists and is not overwritten"))
        }
        #expect(try place.read("precious") == Array("do not lose".utf8))
        #expect(try await place.job(1).payload == "x")
        #expect(try await place.refusal("backup", "missing/copy.db").code == 69)
    }

    @Test("doctor finds a sound database sound")
    func sound() async throws {
        try await place.stint("put", "x")
        let lines = try await place.stint("doctor").split(separator: "\n")
        #expect(lines.allSatisfy { $0.hasPrefix("ok ") })
        #expect(lines.contains { $0.contains("counts: of 1 queues agree with the tables") })
        for subject in ["log", "leases", "clock", "file system", "permissions"] {
            #expect(lines.contains { $0.hasPrefix("ok    \(subject): ") }, "\(subject)")
        }
    }

    @Test("doctor names the process whose open transaction keeps the log, and says who can read the files")
    func surroundings() async throws {
        try await place.stint("put", "x")
        chmod(place.path("stint.db"), 0o644)
        let script = """
            import sqlite3, sys
            database = sqlite3.connect("stint.db", isolation_level=None)
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM stint_jobs").fetchone()
            open("reads", "w").close()
            sys.stdin.read()
            """
        let outcome = try await place.shell(
            """
            mkfifo hold; python3 -c '\(script)' < hold & reader=$!; exec 3> hold
            \(untilThere("reads")); "$stint" doctor; echo "reader $reader"; exec 3>&-; wait $reader
            """)
        let reader = try #require(outcome.output.split(separator: "\n").last?.split(separator: " ").last)
        #if os(Linux)
            #expect(outcome.output.contains("read now by process \(reader) (python3)"), "\(outcome)")
        #endif
        #expect(outcome.output.contains("every user of this machine can reach"))
        #expect(outcome.output.contains("stint.db (644)"))
    }

    @Test("doctor says that the wall clock was set back")
    func clockSetBack() async throws {
        try await place.stint("put", "x")
        let database = try DatabaseQueue(path: place.path("stint.db"))
        try await database.write { try $0.execute(sql: "UPDATE stint_jobs SET enqueued_at = enqueued_at + 7200000") }
        try database.close()
        let outcome = try await place.attempt("doctor")
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("WRONG clock: ") && outcome.output.contains("was set back"))
    }

    @Test("doctor says which counts are wrong and exits with 1")
    func wrongCounts() async throws {
        try await place.stint("put", "x", "--queue", "mail")
        try await place.stint("put", "x", "--queue", "other")
        let database = try DatabaseQueue(path: place.path("stint.db"))
        try await database.write { try $0.execute(sql: "UPDATE stint_queues SET ready = 7 WHERE name = 'mail'") }
        try database.close()
        let outcome = try await place.attempt("doctor")
        #expect(outcome.code == 1)
        #expect(outcome.errors == "")
        let wrong = outcome.output.split(separator: "\n").filter { $0.hasPrefix("WRONG") }
        #expect(wrong.count == 1)
        #expect(
            wrong.first?.contains(
                "'mail' (ready, delayed, leased, buried) are kept as [7, 0, 0, 0] and found as [1, 0, 0, 0]") == true)
    }
}
