import Foundation
import StintCore
import StintPlatform
import StintSQLite
import TestSupport
import Testing

@Suite("stint webhook", .inOwnFolder, .timeLimit(.minutes(5)))
struct WebhookCommandTests {
    let place = Workplace.ofThisTest

    @Test("sets, lists, shows and deletes a webhook, and shows its secret once")
    func set() async throws {
        let arguments = [
            "webhook", "set", "ops", "https://hooks.example.com/secret-path", "--on", "buried", "--on", "age:mail>10m",
        ]
        let added = try await place.attempt(arguments)
        let lines = added.output.split(separator: "\n")
        #expect(lines.first == "added ops: age:mail>10m, buried to https://hooks.example.com", "\(added)")
        #expect(lines.last?.hasPrefix("secret, not shown again: whsec_") == true)
        #expect(
            try await place.attempt(arguments).output
                == "unchanged ops: age:mail>10m, buried to https://hooks.example.com\n")
        let renewed = try await place.attempt(arguments + ["--new-secret"])
        #expect(renewed.output.hasPrefix("replaced ops") && renewed.output.contains("whsec_"))
        #expect(renewed.output.split(separator: "\n").last != lines.last)
        let list = try await place.stint("webhook", "list")
        #expect(list.contains("ops") && list.contains("never") && !list.contains("secret-path"), "\(list)")
        let json = try await place.stint("webhook", "list", "--json")
        #expect(json.contains(#""events":["age:mail>10m","buried"]"#) && !json.contains("secret"), "\(json)")
        let text = try await place.stint("webhook", "show", "ops")
        #expect(text.contains("https://hooks.example.com/secret-path") && !text.contains("whsec_"), "\(text)")
        #expect(try await place.stint("webhook", "test", "ops") == "1\n")
        #expect(try await place.stint("webhook", "delete", "ops") == "deleted ops\n")
        #expect(try await place.stint("webhook", "list") == "no webhooks\n")
        for command in ["show", "test", "delete"] {
            let refusal = try await place.refusal("webhook", command, "ops")
            #expect(refusal.code == 65 && refusal.sentence.contains("there is no webhook 'ops'"))
        }
    }

    @Test("takes a secret from a file, and prints it nowhere")
    func secretFile() async throws {
        try place.write("secret", Array("a secret of my own\n".utf8))
        let added = try await place.stint(
            "webhook", "set", "ops", "https://example.com/", "--on", "disk", "--secret-file", "secret")
        #expect(!added.contains("secret"), "\(added)")
        let queue = try await JobQueue(.sqlite(place.path("stint.db")))
        #expect(try await queue.webhook(named: "ops")?.secret.bytes == Array("a secret of my own".utf8))
        try place.write("short", Array("short".utf8))
        let refusal = try await place.refusal(
            "webhook", "set", "ops", "https://example.com/", "--on", "disk", "--secret-file", "short")
        #expect(refusal.code == 65 && !refusal.sentence.contains("short"))
    }

    @Test(
        "refuses addresses of this machine and of private networks, and other schemes",
        arguments: [
            "http://127.0.0.1/", "http://localhost:80/", "https://[::1]/", "http://10.0.0.1/",
            "http://169.254.169.254/",
            "http://127.1/", "ftp://example.com/", "https://a:b@example.com/", "example.com",
        ])
    func refused(url: String) async throws {
        let refusal = try await place.refusal("webhook", "set", "w", url, "--on", "buried")
        #expect(refusal.code == 65)
    }

    #if Web
        /// A receiver in Python that writes each request as a line.
        private static let receiver = """
            import http.server, json, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_POST(self):
                    body = self.rfile.read(int(self.headers['Content-Length']))
                    with open('requests', 'a') as file:
                        file.write(json.dumps({'headers': {k.lower(): v for k, v in self.headers.items()}, 'body': body.decode()}) + '\\n')
                    self.send_response(204)
                    self.end_headers()
                def log_message(self, *arguments):
                    pass
            server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
            with open('port', 'w') as file:
                file.write(str(server.server_port) + '\\n')
            server.serve_forever()
            """

        private struct Request: Decodable {
            let headers: [String: String]
            let body: String
        }

        @Test("a burial comes to the receiver by way of stint serve, and a job that a webhook buries does not")
        func endToEnd() async throws {
            _ = try await place.whileRunning(["-c", Self.receiver], of: "/usr/bin/python3") { python in
                defer { python.send(SIGKILL) }
                try await eventually("the receiver listens") { try !place.lines("port").isEmpty }
                let port = try place.lines("port")[0]
                try await place.stint(
                    "webhook", "set", "ops", "http://127.0.0.1:\(port)/x", "--on", "buried", "--allow-private")
                let id = try await place.stint("put", "--queue", "mail", "hello").split(separator: "\n")[0]
                let outcome = try await place.whileRunning(["serve", "--web", "127.0.0.1:0"]) { serve in
                    defer { serve.send(SIGTERM) }
                    try await place.stint("bury", String(id))
                    try await eventually("the receiver is told") { try !place.lines("requests").isEmpty }
                    try await eventually("it is noted", every: .milliseconds(100)) {
                        try await place.stint("webhook", "list").contains(": taken")
                    }
                }
                #expect(outcome.code == 0, "\(outcome)")
                let requests = try place.lines("requests").map {
                    try JSONDecoder().decode(Request.self, from: Data($0.utf8))
                }
                #expect(requests.count == 1)
                #expect(requests[0].headers["webhook-signature"]?.hasPrefix("v1,") == true)
                #expect(requests[0].body.contains(#""text":"mail: 1 job buried""#), "\(requests[0].body)")
            }
        }
    #endif
}

/// Real processes that make messages together, under clocks that run fast, and that are killed meanwhile.
@Suite("Each burial is told in one message, whoever reaps and dies", .inOwnFolder, .timeLimit(.minutes(5)))
struct WebhookDeathTests {
    let place = Workplace.ofThisTest

    @Test("reaps on a clock that runs sixty times as fast, each killed after a moment")
    func killed() async throws {
        var generator = SeededGenerator(seed: chosenSeed())
        try await place.stint("webhook", "set", "w", "https://example.com/", "--on", "buried")
        let queue = try await JobQueue(.sqlite(place.path("stint.db")))
        let seeds = (0..<3).map { _ in generator.next() }
        let start = ContinuousClock.now
        let end = start + .seconds(8)
        let buried = try await withThrowingTaskGroup(of: (deaths: Int, buried: Int).self) { group in
            group.addTask {
                var buried = 0
                while ContinuousClock.now < end {
                    let id = try await queue.enqueue(payload: [1], in: "mail").id
                    try await queue.bury([id], reason: "bad")
                    buried += 1
                }
                return (0, buried)
            }
            for seed in seeds {
                group.addTask {
                    var generator = SeededGenerator(seed: seed)
                    var deaths = 0
                    while ContinuousClock.now < end {
                        // One clock for all.
                        let ahead = Int((ContinuousClock.now - start) / .milliseconds(1)) * 60 / 1_000
                        _ = try await place.whileRunning(
                            ["-f", "+\(ahead)s x60", Workplace.stint, "reap"], of: FakeTime.program(),
                            environment: ["DONT_FAKE_MONOTONIC": "1"]
                        ) { process in
                            // Some may end by themselves: a busy machine has done nothing by then in all others.
                            if Int.random(in: 0..<4, using: &generator) == 0 { return }
                            let moment = Int.random(in: 0...80, using: &generator)
                            try await Task.sleep(for: .milliseconds(moment))
                            // `faketime` starts a process of its own, and ends with it.
                            try await eventually("stint runs") { !process.children.isEmpty || !process.isAlive }
                            for stint in process.children {
                                stint.send(SIGKILL)
                                deaths += 1
                            }
                        }
                    }
                    return (deaths, 0)
                }
            }
            let sum = try await group.reduce((deaths: 0, buried: 0)) { ($0.deaths + $1.deaths, $0.buried + $1.buried) }
            #expect(sum.deaths > 10)
            return sum.buried
        }
        _ = try await place.later("+1h", "reap")
        let request = ClaimRequest(queues: [Webhook.queue], limit: 1, lease: .seconds(60), worker: "test:1")
        var messages: [WebhookMessage] = []
        while let job = try await queue.store.claim(request).first {
            messages.append(try WebhookMessage(payload: job.payload))
            try await queue.store.settle(Settlement(job.lease, .ack))
        }
        #expect(buried > 10 && messages.count > 1)
        #expect(messages.compactMap(\.value).reduce(0, +) == Int64(buried), "\(messages.map { $0.value ?? 0 })")
    }
}
