import StintBeanstalk
import StintPlatform
import StintSQLite
import TestSupport
import Testing

@Suite("Commands of beanstalkd clients that are sent at once, and replies that are not read", .timeLimit(.minutes(3)))
struct PipelineTests {
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
}
