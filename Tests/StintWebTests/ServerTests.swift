import Foundation
import StintCore
import StintTesting
import TestSupport
import Testing

@testable import StintWeb

@Suite("The web server", .timeLimit(.minutes(5)))
struct ServerTests {
    @Test("every page has its JSON")
    func json() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue) { client, _ in
            for path in [
                "/overview.json", "/jobs.json", "/jobs/1.json", "/queues.json", "/queues/mail.json", "/workers.json",
                "/schedules.json", "/doctor.json",
            ] {
                let answer = try await client.send("GET", path)
                #expect(
                    answer.status == 200 && answer.headers["content-type"] == "application/json", "\(path): \(answer)")
                _ = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
            }
            let none = try await client.send("GET", "/jobs/77.json")
            #expect(none.status == 404 && none.headers["content-type"] == "application/problem+json")
            #expect(none.body.contains("no job has the id 77"))
        }
    }

    @Test("a queue has its page whatever it is called", arguments: ["a/b", "x.json", "ö%2F", "<b>", "..", "?q", "a+b"])
    func names(name: String) async throws {
        let queue = try await sampleQueue()
        try await queue.enqueue(payload: [1], in: QueueName(name))
        try await withServer(queue) { client, _ in
            let list = try await client.send("GET", "/queues")
            let href = QueueRow(try #require(try await queue.stats().first { $0.name.description == name }), "").href
            #expect(list.body.contains("href=\"\(HTMLText.escaped(href))\""))
            let page = try await client.send("GET", href)
            #expect(
                page.status == 200 && page.body.contains("<h1>Queue \(HTMLText.escaped(name))</h1>"),
                "\(href): \(page.status)")
        }
    }

    @Test("a worker is shown with who writes its claims and settlements, in the page and in both documents")
    func writers() async throws {
        let queue = try await sampleQueue()
        for (name, isThrough) in [("w1", true), ("w2", false)] {
            _ = try await queue.store.register(
                WorkerRegistration(
                    name: name, process: WorkerProcess(name: name, id: name),
                    supervisor: WorkerProcess(name: "s", id: "s"), queues: ["mail"], concurrency: 1,
                    writesThroughSupervisor: isThrough), as: nil)
        }
        try await withServer(queue) { client, _ in
            for path in ["/", "/workers"] {
                let page = try await client.send("GET", path).body
                for (name, writer) in [("w1", "supervisor"), ("w2", "itself")] {
                    let row = page.firstMatch(of: try Regex("<th scope=\"row\">\(name)</th>.*"))
                    #expect(row.map { $0.0.contains("<td>\(writer)</td>") } == true, "\(path): \(page)")
                }
            }
            for path in ["/workers.json", "/api/v1/workers"] {
                let document = try await client.send("GET", path).body
                let found = document.matches(of: /"writesThroughSupervisor" ?: ?(true|false)/).map { String($0.1) }
                #expect(found == ["true", "false"], "\(path): \(document)")
            }
        }
    }

    @Test("under a base path every link, form and redirect is below it")
    func basePath() async throws {
        try await withServer(try await sampleQueue(), basePath: "/jobs-of-app") { client, _ in
            for path in ["/", "/jobs", "/jobs/1", "/queues/mail", "/workers"] {
                let page = try await client.send("GET", path)
                for match in page.body.matches(of: /(?:href|src|action|data-stream)="([^"]*)"/) {
                    let target = String(match.1)
                    #expect(
                        target.hasPrefix("/jobs-of-app/") || target.hasPrefix("#") || target == "data:,",
                        "\(path): \(target)")
                }
            }
            let answer = try await client.send("POST", "/queues/mail/pause")
            #expect(answer.headers["location"] == "/jobs-of-app/queues/mail?done=paused")
        }
    }

    @Test("what is too large or broken is refused in one sentence, and the server goes on")
    func limits() async throws {
        try await withServer(try await sampleQueue()) { client, _ in
            let long = String(repeating: "x", count: 9_000)
            // The parser of HTTP refuses it before the server can.
            let longQuery = try await client.send("GET", "/jobs?q=\(long)").status
            #expect([400, 414].contains(longQuery))
            let header = String(repeating: "x", count: 40_000)
            let tooLong = try await client.send("GET", "/", headers: ["X-Long": header]).status
            #expect([400, 413, 431].contains(tooLong))
            let large = "reason=" + String(repeating: "x", count: 3 * 1_048_576)
            same(try await client.send("POST", "/jobs/1/actions", body: large).status, 413)
            same(try await client.send("POST", "/jobs/1/actions", body: "action=%ff").status, 400)
            let many = "action=prioritize&priority=7" + String(repeating: "&id=1", count: 5_000)
            let fields = try await client.send("POST", "/jobs/actions", body: many)
            #expect(fields.status == 400 && fields.body.contains("more than 5000 fields"))
            same(try await client.send("POST", "/jobs/1/actions", body: "action=explode").status, 400)
            #expect(
                try await client.send("POST", "/jobs/1/actions", headers: ["Content-Type": "text/plain"], body: "x")
                    .status == 415)
            same(try await client.send("GET", "/jobs/-1").status, 404)
            same(try await client.send("GET", "/jobs/99999999999999999999").status, 404)
            same(try await client.send("GET", "/jobs?after=x").status, 400)
            let value1 = try await client.exchange("BROKEN\r\n\r\n")
            #expect(value1.contains("400"))
            same(try await client.send("GET", "/").status, 200)
        }
    }

    @Test("a thousand connections that send half a request do not stop the pages")
    func slowConnections() async throws {
        try await withServer(try await sampleQueue()) { client, _ in
            let connections = try (0..<1_000).map { _ in
                let connection = try WebConnection(port: client.port)
                try connection.write("GET / HTTP/1.1\r\nHost: 127.0")
                return connection
            }
            for _ in 0..<20 { same(try await client.send("GET", "/").status, 200) }
            #expect(connections.count == 1_000)
        }
    }

    @Test("an action does what it says, and refuses what cannot be")
    func actions() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue) { client, _ in
            func act(_ id: Int, _ body: String) async throws -> WebClient.Answer {
                try await client.send("POST", "/jobs/\(id)/actions", body: body)
            }
            same(try await act(2, "action=kick").status, 303)
            let value2 = try await queue.job(JobID(rawValue: 2))?.record.state
            #expect(value2 == .ready)
            same(try await act(2, "action=bury&reason=%3Cb%3Enot+now").status, 303)
            let value3 = try await queue.job(JobID(rawValue: 2))?.record.reason
            #expect(value3 == "<b>not now")
            let wrong = try await act(2, "action=run-now")
            #expect(wrong.status == 400 && wrong.body.contains("buried"))
            same(try await act(3, "action=run-now").status, 303)
            same(try await act(1, "action=cancel").status, 303)
            let again = try await act(1, "action=kick").status
            #expect([400, 404].contains(again))
            same(try await act(2, "action=copy&queue=copies&payload=a%0D%0Ab").status, 303)
            let copy = try #require(try await queue.list(JobFilter(queue: "copies")).jobs.first)
            let value4 = try await queue.job(copy.id)?.payload
            #expect(value4 == Array("a\nb".utf8))
            let many = try await client.send(
                "POST", "/jobs/actions", body: "action=delete&id=2&id=\(copy.id)&q=state%3Aburied")
            #expect(many.headers["location"] == "/jobs?q=state%3Aburied&done=deleted&count=2")
            let value5 = try await queue.job(JobID(rawValue: 2))
            #expect(value5 == nil)
        }
    }

    @Test("values of redacted headers and keys are on no page and in no JSON")
    func redaction() async throws {
        let queue = JobQueue(store: InMemoryStore())
        var options = JobOptions()
        try options.headers.set("api-key", to: "s3cr3t-1")
        try await queue.enqueue(
            payload: Array(#"{"password":"s3cr3t-2","name":"anna"}"#.utf8), contentType: "application/json",
            options: options)
        try await queue.enqueue(payload: Array("password=s3cr3t-3".utf8))
        try await withServer(queue, redacted: ["API-Key", "password"]) { client, _ in
            for path in [
                "/jobs", "/jobs.json", "/jobs/1", "/jobs/1.json", "/jobs/1/payload", "/jobs/2", "/jobs/2/payload",
                "/jobs/2/payload?frame",
            ] {
                let body = try await client.send("GET", path).body
                #expect(!body.contains("s3cr3t"), "\(path)")
            }
            let value6 = try await client.send("GET", "/jobs/1/payload").body
            #expect(value6.contains("anna"))
        }
    }

    @Test("a document of a payload may do nothing")
    func frames() async throws {
        let queue = JobQueue(store: InMemoryStore())
        try await queue.enqueue(payload: Array("<script>1</script>".utf8), contentType: "text/html")
        try await withServer(queue) { client, _ in
            let frame = try await client.send("GET", "/jobs/1/payload?frame")
            #expect(frame.headers["content-security-policy"]?.hasPrefix("sandbox; default-src 'none'") == true)
            let page = try await client.send("GET", "/jobs/1")
            #expect(page.body.contains("<iframe sandbox src=") && !page.body.contains("<script>1"))
            let saved = try await client.send("GET", "/jobs/1/payload")
            #expect(
                saved.headers["content-disposition"] == "attachment; filename=\"job-1.html\""
                    && saved.body == "<script>1</script>")
            #expect(saved.headers["content-security-policy"]?.hasPrefix("sandbox; default-src 'none'") == true)
            // The HTTP API has no frames.
            let call = try await client.send("GET", "/api/v1/jobs/1/payload?frame")
            #expect(call.headers["content-disposition"] == saved.headers["content-disposition"])
        }
    }
}
