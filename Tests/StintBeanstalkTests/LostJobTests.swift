import StintBeanstalk
import StintCore
import StintSQLite
import TestSupport
import Testing

@Suite("Jobs of beanstalkd clients whose time runs out, or that are gone", .timeLimit(.minutes(3)))
struct LostJobTests {
    @Test("a job whose time has run out is ready again, and its client has been warned")
    func timeToRun() async throws {
        try await withServer { server in
            let slow = try await TestClient(port: server.port)
            let other = try await TestClient(port: server.port)
            _ = try await slow.put("x", ttr: 2)
            let start = ContinuousClock.now
            #expect(try await slow.askForChunk("reserve").head == "RESERVED 1")
            #expect(try await slow.ask("reserve") == "DEADLINE_SOON")
            #expect(.now - start >= .milliseconds(990))
            // Within the margin it is told at once.
            #expect(try await slow.ask("reserve-with-timeout 60") == "DEADLINE_SOON")
            // Before the server has touched it.
            let touched = ContinuousClock.now
            #expect(try await slow.ask("touch 1") == "TOUCHED")
            #expect(try await other.askForChunk("reserve").head == "RESERVED 1")
            #expect(.now - touched >= .milliseconds(1_990))
            #expect(try await slow.ask("touch 1") == "NOT_FOUND")
            #expect(try await slow.ask("delete 1") == "NOT_FOUND")
            #expect(try await slow.ask("release 1 0 0") == "NOT_FOUND")
            #expect(try await slow.ask("bury 1 0") == "NOT_FOUND")
            #expect(try await other.statistics("stats-job 1")["timeouts"] == "1")
            #expect(try await other.statistics("stats")["job-timeouts"] == "1")
            #expect(try await other.ask("delete 1") == "DELETED")
        }
    }

    @Test("a job of a client that is gone is ready again, and is buried after as many as the limit allows")
    func disconnect() async throws {
        try await withServer {
            $0.maxCrashes = 2
        } _: { server in
            let watcher = try await TestClient(port: server.port)
            _ = try await watcher.put("poison")
            for crashes in 1...2 {
                let client = try await TestClient(port: server.port)
                #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
                try await client.close()
                try await eventually("the job is given back") {
                    try await server.queue.job(JobID(rawValue: 1))?.record.crashes == crashes
                }
            }
            let job = try #require(try await server.queue.job(JobID(rawValue: 1)))
            #expect(job.record.state == .buried)
            #expect(job.failures.last?.error.contains("connection was lost") == true)
            #expect(try await watcher.ask("kick 1") == "KICKED 1")
            #expect(try await watcher.askForChunk("reserve").head == "RESERVED 1")
            // A quit is the end of a connection too.
            try await watcher.send("quit\r\n")
            #expect(await watcher.line() == nil)
        }
    }

    @Test("without a limit of crashes a job is never buried by itself")
    func neverBuried() async throws {
        try await withServer {
            $0.maxCrashes = nil
        } _: { server in
            let watcher = try await TestClient(port: server.port)
            _ = try await watcher.put("x")
            for _ in 1...12 {
                let client = try await TestClient(port: server.port)
                #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
                try await client.close()
            }
            #expect(try await watcher.askForChunk("reserve").head == "RESERVED 1")
            #expect(try await server.queue.job(JobID(rawValue: 1))?.record.crashes == 0)
        }
    }

    @Test(
        "a job whose time runs out again and again is blamed and buried, unless that is switched off",
        arguments: [2, nil])
    func timedOutAgain(limit: Int?) async throws {
        try await withServer {
            $0.maxCrashes = limit
        } _: { server in
            let client = try await TestClient(port: server.port)
            _ = try await client.put("slow", ttr: 1)
            for timeouts in 1...2 {
                #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
                try await eventually("its time is over") {
                    try await client.statistics("stats-job 1")["timeouts"] == "\(timeouts)"
                }
                try await eventually("it is given back") {
                    try await client.statistics("stats-job 1")["state"] != "reserved"
                }
            }
            let job = try #require(try await server.queue.job(JobID(rawValue: 1)))
            #expect(job.record.crashes == limit ?? 0)
            #expect(job.record.state == (limit == nil ? .ready : .buried))
            #expect(job.failures.last.map { $0.error.contains("did not finish it within its time") } ?? (limit == nil))
        }
    }
}
