import Foundation
import Subprocess
import TestSupport
import Testing

@Suite("Unread output delays nothing", .inOwnFolder, .timeLimit(.minutes(5)))
struct UnreadOutputTests {
    let place = Workplace.ofThisTest

    /// More than all the pipes and buffers on the way can hold.
    private let chatter = "yes chatter | head -c 3000000; yes complaint | head -c 3000000 >&2"

    @Test("a command that writes more than fits ends, is acknowledged once, and its worker's stop is in order")
    func acknowledged() async throws {
        try await place.stint("retain", "default", "1d")
        try await place.stint("put", "x")
        let pipe = try UnreadPipe()
        let status = try await place.stint(
            ["work", "--lease", "2s", "--timeout", "1m", "--", "sh", "-c", "echo $STINT_JOB_ID >> starts; \(chatter)"],
            into: pipe
        ) { supervisor in
            try await eventually("the job is done") { try await place.counts().done == 1 }
            #expect(pipe.isFull)
            supervisor.send(SIGTERM)
        }
        #expect(status == .exited(0))
        let done = try await place.jobs("done")
        #expect(done.map(\.attempts) == [1])
        #expect(try place.lines("starts") == ["1"])
    }

    @Test("a log message that finds no room stops no heartbeat: a long job keeps its lease and runs once")
    func heartbeats() async throws {
        try await place.stint("put", "--lines", input: Array("long\nburied\n".utf8))
        let pipe = try UnreadPipe()
        let script = "echo $STINT_JOB_ID >> starts; \(chatter); echo $STINT_JOB_ID >> written; \(untilThere("go"))"
        let status = try await place.stint(
            ["work", "--concurrency", "2", "--lease", "1500ms", "--", "sh", "-c", script], into: pipe
        ) { supervisor in
            try await eventually("both have written more than fits") { try place.lines("written").count == 2 }
            #expect(pipe.isFull)
            // Its worker logs something about that.
            try await place.stint("bury", "2")
            let first = try #require(try await place.job(1).leaseExpiresAt)
            try await eventually("the other lease was extended for longer than it is") {
                try await place.job(1).leaseExpiresAt.map { $0 > first + 2_000 } ?? true
            }
            try place.write("go")
            try await eventually("the job is done") { try await place.counts().done == 1 }
            supervisor.send(SIGTERM)
        }
        #expect(status == .exited(0))
        #expect(try place.lines("starts").sorted() == ["1", "2"])
        #expect(try await place.counts() == QueueDocument(name: "default", buried: 1, done: 1))
    }

    @Test("a --pipe handler that writes more than fits to standard error is answered, also where it fails")
    func pipeHandler() async throws {
        try await place.stint("put", "--lines", input: Array("good\nbad\n".utf8))
        let pipe = try UnreadPipe()
        let handler = #"""
            import json, sys
            for line in sys.stdin:
                job = json.loads(line)
                for number in range(30000): print("chatter " * 12, file=sys.stderr)
                answer = {"id": job["id"], "token": job["token"]}
                answer.update({"verdict": "done"} if job["payload"] == "good" else {"verdict": "bury", "error": "bad"})
                print(json.dumps(answer), flush=True)
            """#
        try place.write("handler.py", Array(handler.utf8))
        let status = try await place.stint(["work", "--pipe", "--drain", "--", "python3", "handler.py"], into: pipe) {
            _ in
        }
        #expect(status == .exited(0))
        #expect(try await place.counts() == QueueDocument(name: "default", buried: 1, done: 1))
    }

    @Test("when it is read again, a line says how many others were dropped")
    func tellsOfDropped() async throws {
        try await place.stint("put", "x")
        let pipe = try UnreadPipe()
        let script = "\(chatter); touch written; \(untilThere("go")); echo the last word"
        var output = ""
        let status = try await place.stint(["work", "--", "sh", "-c", script], into: pipe) { supervisor in
            try await eventually("all is written") { place.exists("written") }
            try await eventually("it was read, up to a word on what was dropped") {
                output += pipe.take()
                return output.contains(#/stint: \d+ lines were dropped here/#)
            }
            try place.write("go")
            try await eventually("output flows again") {
                output += pipe.take()
                return output.contains("the last word")
            }
            supervisor.send(SIGTERM)
        }
        #expect(status == .exited(0))
        let lines = output.split(separator: "\n")
        #expect(lines.allSatisfy { $0.contains("worker 1: ") || $0.hasPrefix("stint: ") })
    }

    @Test("a stint that was started without standard error keeps its place free: no file of the database gets it")
    func closedStandardError() async throws {
        try await place.stint("put", "x")
        let outcome = try await place.whileRunning(
            ["-c", "exec 0<&- 2>&-; exec \(Workplace.stint) work -- sh -c '\(untilThere("go"))'"], of: "/bin/sh"
        ) { process in
            try await eventually("it works") { try await place.counts().leased == 1 }
            #if os(Linux)
                for number in [0, 2] { #expect(realPath("/proc/\(process.id)/fd/\(number)") == "/dev/null") }
            #endif
            try place.write("go")
            try await eventually("the job is done") { try await place.counts().done == 1 }
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0)
    }
}
