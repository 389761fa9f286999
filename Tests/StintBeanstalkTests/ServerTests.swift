import StintBeanstalk
import StintCore
import StintSQLite
import TestSupport
import Testing

@Suite("Clients of beanstalkd put and reserve jobs of the store", .timeLimit(.minutes(3)))
struct ServerTests {
    @Test("a job is put, reserved, seen in the statistics, and deleted")
    func life() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            #expect(try await client.put("hello", 5, ttr: 30) == "INSERTED 1")
            #expect(try await client.askForChunk("reserve") == ("RESERVED 1", "hello"))
            let job = try await client.statistics("stats-job 1")
            #expect(job["state"] == "reserved" && job["pri"] == "5" && job["ttr"] == "30" && job["reserves"] == "1")
            #expect(job["time-left"] == "29" && job.count == 14)
            let tube = try await client.statistics("stats-tube default")
            #expect(tube["current-jobs-reserved"] == "1" && tube["total-jobs"] == "1" && tube.count == 14)
            #expect(try await client.ask("delete 1") == "DELETED")
            #expect(try await client.ask("delete 1") == "NOT_FOUND")
            #expect(try await client.ask("stats-job 1") == "NOT_FOUND")
            let all = try await client.statistics("stats")
            #expect(all["cmd-put"] == "1" && all["cmd-delete"] == "2" && all["current-jobs-ready"] == "0")
            #expect(all["version"] == "\"1.12\"" && all["draining"] == "false" && all.count == 51)
            let stats = try await server.queue.stats()
            #expect(stats.map(\.done) == [1])
        }
    }

    @Test("a store that is only asked in tasks serves clients too")
    func anyStore() async throws {
        let folder = try TemporaryFolder()
        let file = try await JobQueue(.sqlite(folder.database))
        let (addresses, continuation) = AsyncStream.makeStream(of: String.self)
        var options = JobServer.Options()
        options.logger = silent
        let server = try JobServer(
            JobQueue(store: TaskOnlyStore(base: file.store)), at: .unix(path: folder.path + "/socket"), options: options
        ) { continuation.yield($0) }
        let running = Task { try await server.run() }
        var started = addresses.makeAsyncIterator()
        _ = try #require(await started.next())
        let client = try await TestClient(socket: folder.path + "/socket")
        #expect(try await client.put("hello") == "INSERTED 1")
        #expect(try await client.askForChunk("reserve") == ("RESERVED 1", "hello"))
        #expect(try await client.ask("delete 1") == "DELETED")
        running.cancel()
        try await running.value
        await file.close()
    }

    @Test("release, bury and kick change the priority, the delay and the state")
    func states() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            _ = try await client.put("x", 1)
            _ = try await client.askForChunk("reserve")
            #expect(try await client.ask("release 1 7 100") == "RELEASED")
            var job = try await client.statistics("stats-job 1")
            #expect(job["state"] == "delayed" && job["pri"] == "7" && job["delay"] == "100" && job["releases"] == "1")
            #expect(job["time-left"] == "99")
            #expect(try await client.askForChunk("peek-delayed") == ("FOUND 1", "x"))
            #expect(try await client.ask("kick 5") == "KICKED 1")
            _ = try await client.askForChunk("reserve")
            #expect(try await client.ask("bury 1 9") == "BURIED")
            #expect(try await client.askForChunk("peek-buried") == ("FOUND 1", "x"))
            job = try await client.statistics("stats-job 1")
            #expect(job["state"] == "buried" && job["pri"] == "9" && job["buries"] == "1" && job["kicks"] == "1")
            // Buried ones come first, and then delayed ones stay.
            _ = try await client.put("later", delay: 100)
            #expect(try await client.ask("kick 5") == "KICKED 1")
            #expect(try await client.ask("kick 5") == "KICKED 1")
            #expect(try await client.ask("kick 5") == "KICKED 0")
            #expect(try await client.askForChunk("peek-ready") == ("FOUND 2", "later"))
            #expect(try await client.ask("kick-job 1") == "NOT_FOUND")
            #expect(try await client.ask("delete 1") == "DELETED")
            #expect(try await client.ask("peek 1") == "NOT_FOUND")
        }
    }

    @Test("a delayed job whose time has come is ready in all that is said of it")
    func due() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            _ = try await client.put("x", delay: 1)
            #expect(try await client.statistics("stats-tube default")["current-jobs-delayed"] == "1")
            try await eventually("it is ready") {
                try await client.statistics("stats-tube default")["current-jobs-ready"] == "1"
            }
            #expect(try await client.statistics("stats-job 1")["state"] == "ready")
            #expect(try await client.askForChunk("peek-ready").head == "FOUND 1")
            #expect(try await client.ask("peek-delayed") == "NOT_FOUND")
            #expect(try await client.ask("kick-job 1") == "NOT_FOUND")
        }
    }

    @Test("jobs are the same jobs for clients of beanstalkd and for all others")
    func sameJobs() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            try await client.ask("use mail")
            try await client.send(Array("put 7 0 30 4\r\n".utf8) + [0xFF, 0, 0x0D, 0x0A, 0x0D, 0x0A])
            #expect(await client.line() == "INSERTED 1")
            let claim = ClaimRequest(queues: ["mail"], limit: 1, lease: .seconds(9), worker: "w")
            let job = try #require(try await server.queue.store.claim(claim).first)
            #expect(job.payload == [0xFF, 0, 0x0D, 0x0A] && job.priority == 7 && job.timeToRun == .seconds(30))
            #expect(job.contentType == ContentType.bytes)
            // Whoever has it, it is reserved.
            #expect(try await client.statistics("stats-job 1")["state"] == "reserved")
            #expect(try await client.ask("delete 1") == "NOT_FOUND")
            try await server.queue.store.settle(Settlement(job.lease, .ack))

            let id = try await server.queue.enqueue(payload: Array("typed".utf8), in: "mail").id
            try await client.ask("watch mail")
            #expect(try await client.askForChunk("reserve").body == "typed")
            // A person takes it away.
            try await server.queue.cancel([id])
            #expect(try await client.ask("delete \(id)") == "NOT_FOUND")
        }
    }

    @Test("what a server counts is in its metrics, and the jobs that clients have lost are named in the log")
    func metrics() async throws {
        let log = CollectedLog()
        try await withServer {
            $0.maximumConnections = 17
            $0.largestJob = 10
            $0.maxCrashes = 1
            $0.logger = log.logger
        } _: { server in
            // Sixteen at least are always allowed.
            let clients = try await server.clients(17)
            let client = clients[0]
            for _ in 1...3 {
                let refused = try await TestClient(port: server.port)
                #expect(await refused.line() == nil)
            }
            #expect(try await client.put("one") == "INSERTED 1")
            #expect(try await client.put("two") == "INSERTED 2")
            #expect(try await client.put("01234567890") == "JOB_TOO_BIG")
            #expect(try await client.ask("put 0 0 1 1\r\nxyz") == "EXPECTED_CRLF")
            _ = await client.line()
            #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
            #expect(try await clients[1].askForChunk("reserve-with-timeout 9").head == "RESERVED 2")
            #expect(try await client.ask("release 1 0 100") == "RELEASED")
            try await clients[2].send("reserve\r\n")
            try await client.seesWaiting(1)
            var metrics = try #require(await server.server.metrics)
            #expect(metrics.connections == 17 && metrics.connectionsOpened == 17 && metrics.connectionsRefused == 3)
            #expect(metrics.waiting == 1 && metrics.reserved == 1 && metrics.jobsPut == 2 && metrics.jobsSettled == 1)
            #expect(metrics.putBatches == 2 && metrics.settlementBatches == 1 && !metrics.isDraining)
            let commands = Dictionary(uniqueKeysWithValues: metrics.commands.map { ($0.name, $0.count) })
            #expect(commands["put"] == 4 && commands["reserve"] == 2 && commands["reserve-with-timeout"] == 1)
            #expect(commands["release"] == 1 && commands["list-tube-used"] == 17 && commands["kick-job"] == 0)

            try await clients[1].close()
            try await eventually("it is lost") { await server.server.metrics?.jobsLost == 1 }
            server.server.drain()
            try await eventually("it drains") { await server.server.metrics?.isDraining == true }
            #expect(try await client.put("x") == "DRAINING")
            metrics = try #require(await server.server.metrics)
            #expect(metrics.connections == 16 && metrics.connectionsLost == 1 && metrics.reserved == 0)
            let refused = Dictionary(uniqueKeysWithValues: metrics.putsRefused.map { ($0.name, $0.count) })
            #expect(refused["job_too_big"] == 1 && refused["expected_crlf"] == 1 && refused["draining"] == 1)
            try await eventually("it is buried") { try await server.queue.stats().map(\.buried) == [1] }
        }
        #expect(log.lines.count { $0.contains("a connection was lost while it had jobs jobs=2 tubes=[default]") } == 1)
        let buried = log.lines.filter { $0.contains("a job was buried") }
        #expect(buried.count == 1 && buried.allSatisfy { $0.contains(" job=2 ") && $0.contains(" tube=default") })
        // Said once, and not of each of the three.
        #expect(log.lines.count { $0.contains("a connection was closed at once") } == 1)
    }

    @Test("a server that drains takes no jobs, and goes on with all else")
    func drain() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            _ = try await client.put("x")
            server.server.drain()
            try await eventually("it drains") { try await client.statistics("stats")["draining"] == "true" }
            #expect(try await client.put("y") == "DRAINING")
            #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
            #expect(try await client.ask("delete 1") == "DELETED")
        }
    }

    @Test("at its end a server gives its clients' jobs back at no cost")
    func end() async throws {
        let folder = try TemporaryFolder()
        // It is connected until the server ends.
        var connected: TestClient?
        try await withServer(in: folder.database) { server in
            let client = try await TestClient(port: server.port)
            connected = client
            _ = try await client.put("x")
            _ = try await client.askForChunk("reserve")
        }
        #expect(await connected?.line() == nil)
        let queue = try await JobQueue(.sqlite(folder.database))
        let job = try #require(try await queue.job(JobID(rawValue: 1)))
        #expect(job.record.state == .ready && job.record.attempts == 0 && job.record.crashes == 0)
        #expect(try await queue.workers().isEmpty)
        await queue.close()
    }
}

/// Without the verbs of a ``CallbackStore``.
private struct TaskOnlyStore: ForwardingStore {
    let base: any JobStore
}
