import Foundation
import StintCore
import StintTesting
import Testing

@testable import StintWeb

@Suite("Webhooks in the dashboard and the HTTP API", .timeLimit(.minutes(3)))
struct WebhookPageTests {
    private static let json = ["Content-Type": "application/json"]

    @Test("are set, tested and deleted, and a secret is shown once")
    func api() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue) { client, _ in
            let body = #"{"url":"https://hooks.example.com/secret-path","events":["buried","backlog:mail>5"]}"#
            let added = try await client.send("PUT", "/api/v1/webhooks/ops", headers: Self.json, body: body)
            same(added.status, 201)
            #expect(added.body.contains(#""secret":"whsec_"#), "\(added.body)")
            let again = try await client.send("PUT", "/api/v1/webhooks/ops", headers: Self.json, body: body)
            same(again.status, 200)
            #expect(!again.body.contains("whsec_"))
            let list = try await client.send("GET", "/api/v1/webhooks")
            #expect(list.body.contains("backlog:mail>5") && !list.body.contains("whsec_"), "\(list.body)")
            let tested = try await client.send("POST", "/api/v1/webhooks/ops/test", headers: Self.json)
            same(tested.status, 201)
            let page = try await client.send("GET", "/webhooks")
            #expect(page.body.contains("https://hooks.example.com") && !page.body.contains("secret-path"))
            let deleted = try await client.send("DELETE", "/api/v1/webhooks/ops", headers: Self.json)
            same(deleted.status, 204)
            let missing = try await client.send("DELETE", "/api/v1/webhooks/ops", headers: Self.json)
            same(missing.status, 404)
        }
    }

    @Test(
        "of this machine cannot be set by way of a server",
        arguments: ["http://127.0.0.1/", "http://[::1]:80/x", "http://localhost/"])
    func privateAddress(url: String) async throws {
        try await withServer(try await sampleQueue()) { client, _ in
            let body = #"{"url":"\#(url)","events":["buried"]}"#
            let answer = try await client.send("PUT", "/api/v1/webhooks/w", headers: Self.json, body: body)
            #expect(answer.status == 422 || answer.status == 400, "\(answer)")
            let allowing = #"{"url":"\#(url)","events":["buried"],"allowsPrivate":true}"#
            let second = try await client.send("PUT", "/api/v1/webhooks/w", headers: Self.json, body: allowing)
            #expect(second.status == 422 || second.status == 400, "\(second)")
        }
    }

    @Test("need a role: the addresses, tests and changes")
    func roles() async throws {
        let queue = try await sampleQueue()
        try await queue.set(try Webhook("ops", url: "https://hooks.example.com/secret-path", events: ["buried"]))
        try await withServer(queue, .open(.view)) { client, _ in
            let list = try await client.send("GET", "/api/v1/webhooks")
            same(list.status, 200)
            #expect(!list.body.contains("secret-path"))
            let tested = try await client.send("POST", "/api/v1/webhooks/ops/test", headers: Self.json)
            same(tested.status, 403)
            let added = try await client.send("POST", "/webhooks", body: "name=a")
            same(added.status, 403)
        }
        try await withServer(queue, .open(.operate)) { client, _ in
            let tested = try await client.send("POST", "/webhooks/ops/test")
            same(tested.status, 303)
            for (method, path) in [("DELETE", "/api/v1/webhooks/ops"), ("PUT", "/api/v1/webhooks/ops")] {
                let answer = try await client.send(method, path, headers: Self.json, body: "{}")
                same(answer.status, 403)
            }
            let deleted = try await client.send("POST", "/webhooks/ops/delete")
            same(deleted.status, 403)
        }
    }

    @Test("are counted in the metrics, each with its help, in both formats")
    func metrics() async throws {
        let queue = try await sampleQueue()
        for name in ["chat", "ops"] {
            try await queue.set(try Webhook(name, url: "https://hooks.example.com/", events: ["buried"]))
        }
        for (time, error) in [(1, nil), (2, nil), (3, "no answer")] as [(Timestamp, String?)] {
            try await queue.store.noteDelivery(
                WebhookDelivery(job: JobID(rawValue: 9), atMilliseconds: time, status: nil, error: error), of: "ops")
        }
        try await withServer(queue) { client, _ in
            for accepted in ["text/plain", "application/openmetrics-text"] {
                let lines = try await client.send("GET", "/metrics", headers: ["Accept": accepted]).body
                    .split(separator: "\n").map(String.init)
                for line in [
                    #"stint_webhook_messages_sent_total{webhook="chat"} 0"#,
                    #"stint_webhook_messages_sent_total{webhook="ops"} 2"#,
                    #"stint_webhook_attempts_failed_total{webhook="ops"} 1"#,
                    #"stint_webhook_failing{webhook="chat"} 0"#, #"stint_webhook_failing{webhook="ops"} 1"#,
                ] { #expect(lines.contains(line), "\(accepted): \(line)") }
                #expect(lines.count { $0.hasPrefix("# HELP stint_webhook_") } == 3, "\(accepted)")
            }
        }
    }

    @Test("a form sets one and shows its secret, in a page that no cache keeps")
    func form() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue) { client, _ in
            let body = "name=ops&url=https%3A%2F%2Fhooks.example.com%2Fx&events=buried+age%3Amail%3E10m&template=slack"
            let answer = try await client.send("POST", "/webhooks", body: body)
            same(answer.status, 200)
            #expect(answer.body.contains("whsec_") && answer.headers["cache-control"] == "no-store", "\(answer)")
            let again = try await client.send("POST", "/webhooks", body: body)
            same(again.status, 303)
            let deleted = try await client.send("POST", "/webhooks/ops/delete")
            #expect(deleted.headers["location"] == "/webhooks?done=webhook-deleted")
            let rest = try await queue.webhooks()
            #expect(rest.isEmpty)
        }
    }
}
