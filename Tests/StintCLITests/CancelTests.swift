import Foundation
import TestSupport
import Testing

@Suite("stint cancel and put --expires", .inOwnFolder, .timeLimit(.minutes(5)))
struct CancelTests {
    let place = Workplace.ofThisTest

    @Test("a running command is stopped at once with its whole group, and the worker goes on")
    func running() async throws {
        try await place.stint("retain", "default", "1h")
        try await place.stint("put", "x")
        let script = "sleep 60 & echo $! $$ > processes; wait; echo end >> log"
        let worker = try await place.whileRunning([
            "work", "--lease", "10m", "--", "sh", "-c", "[ $STINT_JOB_ID != 1 ] || { \(script); }",
        ]) {
            worker in
            try await eventually("the job runs") { try !place.lines("processes").isEmpty }
            let processes = try place.lines("processes")[0].split(separator: " ").map { RunningProcess(id: pid_t($0)!) }
            let start = ContinuousClock.now
            #expect(try await place.stint("cancel", "1") == "cancelled 1\n")
            try await eventually("they have ended") { !processes.contains(where: \.isAlive) }
            #expect(ContinuousClock.now - start < .seconds(5))
            try await place.stint("put", "next")
            try await eventually("the next job is done") { try await place.counts().done == 1 }
            worker.send(SIGTERM)
        }
        #expect(worker.code == 0, "\(worker)")
        #expect(!place.exists("log"))
        let job = try await place.job(1)
        #expect((job.state, job.reason) == ("cancelled", "cancelled manually"))
        #expect(try await place.stint("show", "1").contains("cancelled"))
        #expect(try await place.stint("list", "--state", "cancelled").contains("cancelled manually"))
    }

    @Test("ids: all or none; a queue: with a condition, after a question or with --yes")
    func selections() async throws {
        try await place.stint("put", "--lines", "--queue", "mail", input: Array("a\nb\nc\n".utf8))
        try await place.stint("put", "d", "--queue", "mail", "--delay", "1h")
        try await place.stint("bury", "3")
        #expect(try await place.refusal("cancel", "1", "99").code == 65)
        #expect(try await place.stint("cancel", "1", "1") == "cancelled 1\n")
        #expect(try await place.refusal("cancel", "1").sentence.contains("no job has the id 1"))
        let question = try await place.refusal("cancel", "--queue", "mail", "--all")
        #expect(question.sentence.hasPrefix("this would cancel 3 jobs of queue 'mail' (1 ready, 1 delayed, 1 buried)"))
        let wrong = try await place.refusal("cancel", "--queue", "mail", "--state", "done", "--yes")
        #expect(wrong.sentence.contains("here it can only be ready, delayed, leased, buried"))
        #expect(try await place.stint("cancel", "--queue", "mail", "--state", "delayed", "--yes") == "cancelled 1\n")
        #expect(try await place.stint("cancel", "--queue", "mail", "--all", "--yes") == "cancelled 2\n")
        #expect(try await place.stint("stats", "--json").contains(#""cancelled":4"#))
        #expect(try await place.stint("doctor").contains("counts:"))
    }

    @Test("--expires: what has not started by then never is; reap counts it, and show says why")
    func expiry() async throws {
        try await place.stint("retain", "default", "1h")
        try await place.stint("put", "late", "--expires", "50ms")
        try await place.stint("put", "later", "--delay", "1h", "--expires", "50ms")
        try await place.stint("put", "--lines", "--expires", "1h", input: Array("kept\n".utf8))
        #expect(try await place.stint("show", "3").contains("expires"))
        try await place.stint("pause", "default")
        try await Task.sleep(for: .milliseconds(100))
        #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0, expired 2\n")
        #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0\n")
        try await place.stint("resume", "default")
        try await place.stint("put", "again", "--expires", "50ms")
        try await Task.sleep(for: .milliseconds(100))
        let outcome = try await place.attempt("work", "--drain", "--", "sh", "-c", "cat >> log; echo >> log")
        #expect(outcome.code == 0)
        #expect(try place.lines("log") == ["kept"])
        let job = try await place.job(1)
        #expect((job.state, job.reason) == ("expired", "its time was over before it was started"))
        #expect(try await place.stint("stats", "--json").contains(#""expired":3"#))
        #expect(try await place.refusal("put", "x", "--expires", "0s").sentence.contains("expires"))
        #expect(try await place.refusal("put", "x", "--expires", "soon").sentence.contains("--expires"))
    }
}
