import StintBeanstalk
import StintCore
import StintSQLite
import TestSupport
import Testing

@Suite("Tubes of beanstalkd clients are queues, and groups of queues", .timeLimit(.minutes(3)))
struct TubeTests {
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
}
