#if Web
    import Foundation
    import Subprocess
    import TestSupport
    import Testing

    /// One service for a whole site.
    @Suite("stint serve --work supervises workers", .inOwnFolder, .timeLimit(.minutes(5)))
    struct ServeWorkTests {
        let place = Workplace.ofThisTest

        @Test("each command gets the jobs of its queue, a killed worker is replaced, and SIGTERM ends them all")
        func site() async throws {
            let arguments = [
                "serve", "--web", "127.0.0.1:0", "--work", "mail=cat >> mail; echo >> mail",
                "--work", "push=cat >> push; exit 65",
            ]
            try await place.stint("put", "--queue", "mail", "hello")
            let outcome = try await place.whileRunning(arguments) { serve in
                try await eventually("both work") { try await place.workers().count == 2 }
                try await place.stint("put", "--queue", "push", "there")
                try await eventually("the mail is sent") { try place.lines("mail") == ["hello"] }
                try await eventually("the other one is buried") { try await place.counts("push").buried == 1 }
                let workers = serve.children
                #expect(workers.count == 2)
                for worker in workers { worker.send(SIGKILL) }
                try await place.stint("put", "--queue", "mail", "again")
                try await eventually("another worker sends it") { try place.lines("mail") == ["hello", "again"] }
                serve.send(SIGTERM)
                try await eventually("all have ended") { !serve.isAlive && workers.allSatisfy { !$0.isAlive } }
            }
            #expect(outcome.code == 0, "\(outcome)")
            #expect(try await place.workers().isEmpty)
        }

        @Test(
            "what cannot be is refused, and nothing starts",
            arguments: [
                (["--work", "mail"], "expected a queue and a command"),
                (["--work", "mail=  "], "expected a queue and a command"),
                (["--work", "mail=true", "--read-only"], "--read-only is for the dashboard"),
                (["--work", "mail=true", "--workers", "0"], "--workers is 0"),
            ])
        func refused(_ arguments: [String], _ reason: String) async throws {
            let outcome = try await place.attempt(["serve", "--web", "127.0.0.1:0"] + arguments)
            #expect(outcome.code == 64 || outcome.code == 1 || outcome.code == 2, "\(outcome)")
            #expect(outcome.errors.contains(reason), "\(outcome)")
            #expect(!place.exists("stint.db"))
        }
    }

    @Suite("stint import moves the jobs of a beanstalkd", .inOwnFolder, .timeLimit(.minutes(5)))
    struct ImportCommandTests {
        let place = Workplace.ofThisTest

        @Test(
            "a wrong address is refused in one sentence",
            arguments: [
                ("http://127.0.0.1:11300", "is no address of a beanstalkd"),
                ("beanstalkd://", "is no address of a beanstalkd"),
                ("beanstalkd://127.0.0.1:0", "is no address of a beanstalkd"),
                ("beanstalkd://127.0.0.1:99999", "is no address of a beanstalkd"),
                ("beanstalkd://127.0.0.1:1", "no connection to it: Connection refused"),
            ])
        func addresses(_ address: String, _ reason: String) async throws {
            let outcome = try await place.attempt(["import", address])
            #expect(outcome.code != 0)
            #expect(outcome.errors.contains(reason), "\(outcome)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
        }
    }
#endif
