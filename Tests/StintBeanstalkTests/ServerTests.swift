import Foundation
import StintBeanstalk
import StintCore
import StintPlatform
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
            try await waiting(1, producer)
            _ = try await producer.put("one")
            #expect(await worker.line() == "RESERVED 1 3")
            #expect(await worker.body(3) == Array("one".utf8))

            let other = try await JobQueue(.sqlite(server.queue.store.path))
            try await worker.send("reserve\r\n")
            try await waiting(1, producer)
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

    private func waiting(_ count: Int, _ client: TestClient) async throws {
        try await eventually("\(count) wait") { try await client.statistics("stats")["current-waiting"] == "\(count)" }
    }

    @Test("those who wait are served in their order, however many there are")
    func line() async throws {
        try await withServer { server in
            let producer = try await TestClient(port: server.port)
            var workers: [TestClient] = []
            for number in 1...20 {
                let worker = try await TestClient(port: server.port)
                try await worker.send("reserve\r\n")
                try await waiting(number, producer)
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

    @Test("a job of a client that is gone is ready again, and is buried after so many of them")
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

    @Test("a paused tube gives no jobs until its time is over")
    func pause() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            #expect(try await client.ask("pause-tube nowhere 1") == "NOT_FOUND")
            _ = try await client.put("x")
            let start = ContinuousClock.now
            #expect(try await client.ask("pause-tube default 1") == "PAUSED")
            let tube = try await client.statistics("stats-tube default")
            #expect(tube["pause"] == "1" && tube["pause-time-left"] == "0" && tube["cmd-pause-tube"] == "1")
            #expect(try await client.ask("reserve-with-timeout 0") == "TIMED_OUT")
            #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
            #expect(.now - start >= .milliseconds(990))
            #expect(try await client.statistics("stats-tube default")["pause"] == "0")
        }
    }

    @Test("tubes come with their first use and go with their last")
    func tubes() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            #expect(try await client.ask("use a") == "USING a")
            #expect(try await client.ask("watch b") == "WATCHING 2")
            #expect(try await client.askForChunk("list-tubes").body == "---\n- default\n- a\n- b\n")
            #expect(try await client.ask("list-tube-used") == "USING a")
            #expect(try await client.askForChunk("list-tubes-watched").body == "---\n- default\n- b\n")
            #expect(try await client.ask("ignore default") == "WATCHING 1")
            #expect(try await client.ask("ignore b") == "NOT_IGNORED")
            _ = try await client.put("x")
            try await client.close()
            let other = try await TestClient(port: server.port)
            try await eventually("only the tube with a job is left") {
                try await other.askForChunk("list-tubes").body == "---\n- default\n- a\n"
            }
            #expect(try await other.ask("delete 1") == "DELETED")
            #expect(try await other.askForChunk("list-tubes").body == "---\n- default\n")
            #expect(try await other.ask("stats-tube a") == "NOT_FOUND")
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

    @Test("with a separator a job that is put into mail;acme is of the group acme in the queue mail")
    func groups() async throws {
        try await withServer {
            $0.groupSeparator = try! GroupSeparator(";")
        } _: { server in
            let client = try await TestClient(port: server.port)
            #expect(try await client.ask("use mail;acme") == "USING mail;acme")
            #expect(try await client.ask("list-tube-used") == "USING mail;acme")
            #expect(try await client.put("a") == "INSERTED 1")
            try await client.ask("use mail;other")
            #expect(try await client.put("o") == "INSERTED 2")
            try await client.ask("use mail")
            #expect(try await client.put("none") == "INSERTED 3")
            for (id, group) in [(1, "acme"), (2, "other"), (3, nil)] {
                #expect(try await server.queue.job(JobID(rawValue: Int64(id)))?.record.group == group)
            }
            let tube = try await client.statistics("stats-tube mail")
            #expect(tube["current-jobs-ready"] == "3" && tube["current-using"] == "1")
            #expect(try await client.statistics("stats-job 1")["tube"] == "mail")
            #expect(try await client.askForChunk("list-tubes").body == "---\n- default\n- mail\n")
            #expect(try await client.ask("stats-tube mail;acme") == "NOT_FOUND")
            #expect(try await client.ask("pause-tube mail;acme 1") == "NOT_FOUND")

            // What it sees and kicks is of its group.
            try await client.ask("use mail;other")
            #expect(try await client.askForChunk("peek-ready") == ("FOUND 2", "o"))
            try await client.ask("watch mail")
            for id in 1...3 {
                #expect(try await client.askForChunk("reserve-job \(id)").head == "RESERVED \(id)")
                #expect(try await client.ask("bury \(id) 0") == "BURIED")
            }
            #expect(try await client.askForChunk("peek-buried") == ("FOUND 2", "o"))
            #expect(try await client.ask("kick 10") == "KICKED 1")
            #expect(try await client.ask("peek-buried") == "NOT_FOUND")
            #expect(try await client.askForChunk("reserve").head == "RESERVED 2")
            try await client.ask("use mail")
            #expect(try await client.ask("kick 10") == "KICKED 2")
        }
    }

    @Test("with a separator, a name with no queue or no group, and one that is watched, is refused")
    func groupsRefused() async throws {
        try await withServer {
            $0.groupSeparator = try! GroupSeparator(";")
        } _: { server in
            let client = try await TestClient(port: server.port)
            for name in [";", ";acme", "mail;"] { #expect(try await client.ask("use \(name)") == "BAD_FORMAT") }
            #expect(try await client.ask("list-tube-used") == "USING default")
            #expect(try await client.ask("watch mail;acme") == "BAD_FORMAT")
            #expect(try await client.ask("ignore mail;acme") == "WATCHING 1")
        }
    }

    @Test("without a separator every allowed character is a part of a tube's name")
    func noGroups() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            #expect(try await client.ask("use mail;acme") == "USING mail;acme")
            #expect(try await client.put("a") == "INSERTED 1")
            #expect(try await client.ask("watch mail;acme") == "WATCHING 2")
            #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
            let job = try #require(try await server.queue.job(JobID(rawValue: 1)))
            #expect(job.record.queue == "mail;acme" && job.record.group == nil)
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
            var clients: [TestClient] = []
            // Sixteen at least are always allowed.
            for _ in 1...17 {
                let client = try await TestClient(port: server.port)
                #expect(try await client.ask("list-tube-used") == "USING default")
                clients.append(client)
            }
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
            try await waiting(1, client)
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

    @Test("a body that is too large is refused, and none of its bytes are commands")
    func tooLarge() async throws {
        try await withServer {
            $0.largestJob = 10
        } _: { server in
            let client = try await TestClient(port: server.port)
            _ = try await client.put("0123456789")
            #expect(try await client.put("delete 1\r\n1") == "JOB_TOO_BIG")
            #expect(try await client.statistics("stats")["current-jobs-ready"] == "1")
            #expect(try await client.ask("peek 2") == "NOT_FOUND")
        }
    }

    @Test("pipelined commands are answered in their order")
    func pipelined() async throws {
        try await withServer { server in
            let client = try await TestClient(port: server.port)
            let count = 300
            let round = "put 0 0 60 1\r\nx\r\nreserve\r\nlist-tube-used\r\n"
            try await client.send(String(repeating: round, count: count))
            for number in 1...count {
                #expect(await client.line() == "INSERTED \(number)")
                #expect(await client.line() == "RESERVED \(number) 1")
                #expect(await client.body(1) == [0x78])
                #expect(await client.line() == "USING default")
            }
        }
    }

    @Test("puts, and ends of jobs, that are sent at once are answered in their order, between other commands")
    func pipelinedInBatches() async throws {
        try await withServer { server in
            let clients = try await [TestClient(port: server.port), TestClient(port: server.port)]
            let count = 1_500
            let puts = (1...count).map { "put 0 0 60 \("\($0)".utf8.count)\r\n\($0)\r\n" }.joined()
            for client in clients { try await client.send(puts + "use\r\nput 0 0 60 0\r\n\r\nlist-tube-used\r\n") }
            for client in clients {
                var ids: [Int] = []
                for _ in 1...count {
                    let line = try #require(await client.line())
                    ids.append(try #require(Int(line.dropFirst("INSERTED ".count))))
                }
                #expect(ids == ids.sorted())
                #expect(await client.line() == "UNKNOWN_COMMAND")
                #expect(await client.line()?.hasPrefix("INSERTED ") == true)
                #expect(await client.line() == "USING default")
                // The reply is that of this job.
                for number in [1, count / 2, count] {
                    #expect(try await client.askForChunk("peek \(ids[number - 1])").body == "\(number)")
                }
            }
            let client = clients[0]
            var held: [String] = []
            for _ in 1...40 {
                held.append(String(try await client.askForChunk("reserve").head.dropFirst("RESERVED ".count)))
            }
            let ends = zip(held, 0...).map {
                ["delete \($0)", "release \($0) 9 0", "bury \($0) 9", "delete 9999"][$1 % 4]
            }
            try await client.send(ends.map { $0 + "\r\n" }.joined() + "peek \(held[2])\r\nlist-tube-used\r\n")
            for number in ends.indices {
                #expect(await client.line() == ["DELETED", "RELEASED", "BURIED", "NOT_FOUND"][number % 4])
            }
            let found = try #require(await client.line()).split(separator: " ")
            #expect(found.count == 3 && found[0] == "FOUND" && found[1] == held[2])
            _ = await client.body(try #require(Int(found[2])))
            #expect(await client.line() == "USING default")
        }
    }

    @Test("a client that never reads does not hold others up")
    func unread() async throws {
        try await withServer { server in
            let rude = try await TestClient(port: server.port)
            let body = String(repeating: "b", count: 60_000)
            _ = try await rude.put(body)
            let channel = Task { [port = server.port] in
                // Reads nothing of 600 MB of replies.
                let silent = try UnreadSocket(port: port)
                try silent.send(Array(String(repeating: "peek 1\r\n", count: 10_000).utf8))
                return silent
            }
            let silent = try await channel.value
            let other = try await TestClient(port: server.port)
            for _ in 1...50 { #expect(try await other.ask("use x") == "USING x") }
            let before = ProcessMemory.resident(ofProcess: getpid()) ?? 0
            for _ in 1...50 { #expect(try await other.askForChunk("peek 1").body.utf8.count == 60_000) }
            let grown = (ProcessMemory.resident(ofProcess: getpid()) ?? 0) - before
            #expect(grown < 100_000_000)
            silent.close()
        }
    }

    @Test("if clients do not read their replies, those that have waited longest are closed, and others go on")
    func unreadReplies() async throws {
        try await withServer {
            $0.maximumUnsentBytes = 4_000_000
            $0.largestJob = 1_000_000
        } _: { server in
            let good = try await TestClient(port: server.port)
            _ = try await good.put(String(repeating: "b", count: 1_000_000))
            let rude = try (1...40).map { _ in try UnreadSocket(port: server.port) }
            // A second one is not prepared before the first is sent; what the kernel takes is not the server's.
            for client in rude { try client.send(Array(String(repeating: "peek 1\r\n", count: 20).utf8)) }
            try await eventually("some of the rude are gone") {
                #expect(try await good.askForChunk("peek 1").body.utf8.count == 1_000_000)
                return try await Int(good.statistics("stats")["current-connections"] ?? "") ?? 0 < 30
            }
            #expect(try await good.ask("delete 1") == "DELETED")
            for client in rude { client.close() }
        }
    }

    @Test("more connections than allowed are closed, and there is room again when others have ended")
    func connections() async throws {
        try await withServer {
            $0.maximumConnections = 16
        } _: { server in
            var clients: [TestClient] = []
            for _ in 1...16 {
                let client = try await TestClient(port: server.port)
                #expect(try await client.ask("list-tube-used") == "USING default")
                clients.append(client)
            }
            let refused = try await TestClient(port: server.port)
            #expect(await refused.line() == nil)
            try await clients.removeLast().close()
            try await eventually("there is room") {
                let client = try await TestClient(port: server.port)
                do { return try await client.ask("list-tube-used") != nil } catch { return false }
            }
        }
    }

    @Test("a socket is only for its user, replaces a stale one, and never another server's or a file")
    func unixSocket() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        try await withServer(at: path) { _ in
            let client = try await TestClient(socket: path)
            #expect(try await client.put("x") == "INSERTED 1")
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let error = await #expect(throws: StintError.self) { try await withServer(at: path) { _ in } }
            #expect(error?.description.contains("another server") == true)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        // One that nobody has removed.
        try UnreadSocket.leaveStale(at: path)
        #expect(FileManager.default.fileExists(atPath: path))
        try await withServer(at: path) { _ in
            let client = try await TestClient(socket: path)
            #expect(try await client.put("x") == "INSERTED 1")
        }
        try Data("mine".utf8).write(to: URL(filePath: path))
        let error = await #expect(throws: StintError.self) { try await withServer(at: path) { _ in } }
        #expect(error?.code == .invalidInput)
        #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == "mine")
    }

    @Test("an address that other machines reach needs a permission", arguments: ["0.0.0.0", "::", "192.0.2.7"])
    func remote(host: String) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        var options = JobServer.Options()
        options.logger = silent
        let error = #expect(throws: StintError.self) {
            try JobServer(queue, at: .host(host, port: 0), options: options)
        }
        #expect(error?.description.contains("--allow-remote") == true)
        options.allowsRemote = true
        _ = try JobServer(queue, at: .host(host, port: 0), options: options)
        await queue.close()
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
