import StintBeanstalk
import StintCore
import StintSQLite
import TestSupport
import Testing

@Suite("Which client of beanstalkd gets which job, and when", .timeLimit(.minutes(3)))
struct ReserveTests {
    @Test("the smallest priority comes first, then the oldest, over all watched tubes")
    func order() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            for (tube, priority) in [("a", UInt32.max), ("b", 3), ("a", 3), ("b", 0), ("c", 0)] {
                try await client.ask("use \(tube)")
                _ = try await client.put(tube, priority)
            }
            try await client.ask("watch a")
            try await client.ask("watch b")
            for expected in ["RESERVED 4", "RESERVED 2", "RESERVED 3", "RESERVED 1"] {
                #expect(try await client.askForChunk("reserve-with-timeout 0").head == expected)
            }
            #expect(try await client.ask("reserve-with-timeout 0") == "TIMED_OUT")
        }
    }

    @Test("who waits gets the job of another connection, of another process's store, and a delayed one in time")
    func wake() async throws {
        try await withServer { server in
            let worker = try await TestClient(port: server.port)
            let producer = try await TestClient(port: server.port)
            try await worker.send("reserve\r\n")
            try await producer.seesWaiting(1)
            _ = try await producer.put("one")
            #expect(await worker.line() == "RESERVED 1 3")
            #expect(await worker.body(3) == Array("one".utf8))

            let other = try await JobQueue(.sqlite(server.queue.store.path))
            try await worker.send("reserve\r\n")
            try await producer.seesWaiting(1)
            try await other.enqueue(payload: Array("two".utf8))
            #expect(await worker.line() == "RESERVED 2 3")
            _ = await worker.body(3)
            await other.close()

            let start = ContinuousClock.now
            _ = try await producer.put("three", delay: 1)
            #expect(try await worker.askForChunk("reserve") == ("RESERVED 3", "three"))
            #expect(.now - start >= .milliseconds(990))
        }
    }

    @Test("those who wait are served in their order, however many there are")
    func line() async throws {
        try await withServer { server in
            let producer = try await TestClient(port: server.port)
            var workers: [TestClient] = []
            for number in 1...20 {
                let worker = try await TestClient(port: server.port)
                try await worker.send("reserve\r\n")
                try await producer.seesWaiting(number)
                workers.append(worker)
            }
            for number in 1...20 { _ = try await producer.put("\(number)") }
            for (index, worker) in workers.enumerated() {
                #expect(await worker.line()?.hasPrefix("RESERVED \(index + 1) ") == true)
            }
        }
    }

    @Test("a timeout ends a wait, and so does the end of the client's output")
    func timeouts() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            let start = ContinuousClock.now
            #expect(try await client.ask("reserve-with-timeout 1") == "TIMED_OUT")
            #expect(.now - start >= .seconds(1))
            try await client.send("reserve\r\n")
            try await client.endOutput()
            #expect(await client.line() == "TIMED_OUT")
            #expect(await client.line() == nil)
        }
    }

    @Test("a job is reserved by its id, unless somebody has it")
    func reserveJob() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            let other = try await TestClient(port: server.port)
            _ = try await client.put("first", 0)
            _ = try await client.put("ready", 5)
            _ = try await client.put("delayed", delay: 100)
            _ = try await client.put("buried")
            _ = try await other.askForChunk("reserve-job 4")
            #expect(try await other.ask("bury 4 0") == "BURIED")
            for (id, body) in [(2, "ready"), (3, "delayed"), (4, "buried")] {
                #expect(try await client.askForChunk("reserve-job \(id)") == ("RESERVED \(id)", body))
                #expect(try await client.ask("reserve-job \(id)") == "NOT_FOUND")
                #expect(try await other.ask("reserve-job \(id)") == "NOT_FOUND")
                #expect(try await other.ask("delete \(id)") == "NOT_FOUND")
            }
            #expect(try await client.ask("reserve-job 99") == "NOT_FOUND")
            #expect(try await other.askForChunk("reserve").head == "RESERVED 1")
        }
    }
}
