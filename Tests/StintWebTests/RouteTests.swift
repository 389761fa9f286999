import Foundation
import Hummingbird
import StintCore
import StintTesting
import Testing

@testable import StintWeb

/// What must be so of each route, also of one that somebody adds: these tests walk through all of them.
@Suite("Every route", .timeLimit(.minutes(3)))
struct RouteTests {
    /// What anybody may ask for. Whoever adds a line here opens an address to the world.
    private static let open: Set<String> = [
        "GET /health", "GET /ready", "GET /sign-in", "POST /sign-in", "POST /sign-out", "GET /assets/stint.css",
        "GET /assets/stint.js", "GET /api/v1/openapi.json",
    ]
    /// What only an admin may do.
    private static let admin: Set<String> = [
        "POST /queues/:name/limits", "POST /workers/restart", "POST /workers/:id/orders", "POST /webhooks",
        "POST /webhooks/:name/delete", "PATCH /api/v1/queues/:name", "PATCH /api/v1/queues/:name/groups/:group",
        "PUT /api/v1/webhooks/:name", "DELETE /api/v1/webhooks/:name", "POST /api/v1/workers/restart",
        "POST /api/v1/workers/:id/orders",
    ]
    /// What is shown only to those who may change something.
    private static let forOperators: Set<String> = [
        "GET /operations/new", "GET /operations/new.json", "GET /jobs/:id/dry-runs/:run",
    ]

    @Test("has the role that its kind needs: none is open by mistake, and none changes anything for those who may look")
    func roles() {
        for route in Route.all {
            let name = "\(route.method.rawValue) \(route.path)"
            let needed: Role? =
                Self.open.contains(name)
                ? nil
                : Self.admin.contains(name)
                    ? .admin : route.method == .get && !Self.forOperators.contains(name) ? .view : .operate
            #expect(route.role == needed, "\(name)")
        }
        let names = Set(Route.all.map { "\($0.method.rawValue) \($0.path)" })
        #expect(Self.open.union(Self.admin).union(Self.forOperators).isSubset(of: names))
    }

    @Test("can be watched only by those who may open it")
    func watching() async throws {
        let (view, operate) = (
            try Credentials.newToken(for: "vera", role: .view), try Credentials.newToken(for: "otto", role: .operate)
        )
        let users = try Credentials(text: "\(view.line)\n\(operate.line)", of: "users")
        try await withServer(try await sampleQueue(), .credentials(users)) { client, _ in
            func watch(_ page: String, _ token: String) async throws -> Int {
                try await client.status(
                    "/live?page=\(percentEncoded(page))", headers: ["Authorization": "Bearer \(token)"])
            }
            for route in Route.all where route.make != nil {
                let page = route.path.replacing(":id", with: "1").replacing(":name", with: "mail")
                let mayView = route.role == .view
                let viewer = try await watch(page, view.token)
                #expect(viewer == (mayView ? 200 : 403), "\(page): \(viewer)")
                same(try await watch(page, operate.token), 200)
                same(try await watch(page, "no"), 401)
            }
        }
    }

    private static func path(_ route: Route) -> String {
        route.path.replacing(":id", with: "1").replacing(":name", with: "mail").replacing(":group", with: "g")
            .replacing(":run", with: "1")
    }

    @Test("takes no change from another site, none of the HTTP API that a form could send, and none by a foreign name")
    func otherSites() async throws {
        let queue = try await sampleQueue()
        let before = try await queue.list(JobFilter()).jobs
        try await withServer(queue) { client, _ in
            for route in Route.all + Route.otherMethods where route.method != .head {
                let (method, path) = (route.method.rawValue, Self.path(route))
                let foreign = try await client.send(method, path, headers: ["Host": "evil.example"])
                #expect(foreign.status == 421, "\(method) \(path): \(foreign.status)")
                guard route.method != .get else { continue }
                let type = route.kind == .api ? "application/json" : "application/x-www-form-urlencoded"
                for site in ["cross-site", "same-site"] {
                    let other = try await client.send(
                        method, path, headers: ["Sec-Fetch-Site": site, "Content-Type": type])
                    #expect(other.status == 403, "\(method) \(path) from \(site): \(other.status)")
                }
                guard route.kind == .api, route.role != nil, route.method != .delete else { continue }
                // A form of another site, in a browser that says nothing about it.
                for type in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""] {
                    let form = try await client.send(
                        method, path, headers: ["Sec-Fetch-Site": "", "Content-Type": type], body: "{}")
                    #expect(form.status == 415, "\(method) \(path), \(type): \(form.status)")
                }
            }
        }
        let (after, stats) = (try await queue.list(JobFilter()).jobs, try await queue.stats())
        #expect(after == before && stats.allSatisfy { !$0.paused })
    }

    @Test("that changes jobs leaves a record of who did it, by a page and by the HTTP API")
    func actors() async throws {
        let anna = try Credentials.newToken(for: "anna", role: .operate)
        let users = Access.credentials(try Credentials(text: anna.line, of: "users"))
        let queue = try await sampleQueue()
        try await withServer(queue, users) { client, _ in
            let (form, json) = ("application/x-www-form-urlencoded", "application/json")
            for (path, type, body, filter) in [
                ("/jobs/1/actions", form, "action=prioritize&priority=7", "id:1"),
                ("/jobs/actions", form, "action=prioritize&priority=8&id=1&id=2", "id:1,2"),
                ("/operations", form, "q=queue:mail&action=prioritize&priority=9", "queue:mail"),
                ("/api/v1/jobs/1/actions", json, #"{"action":"prioritize","priority":10}"#, "id:1"),
                ("/api/v1/jobs/actions", json, #"{"action":"prioritize","priority":11,"ids":[1,2]}"#, "id:1,2"),
                (
                    "/api/v1/operations", json, #"{"action":"prioritize","priority":12,"query":"queue:mail"}"#,
                    "queue:mail"
                ),
            ] {
                let answer = try await client.send(
                    "POST", path, headers: ["Authorization": "Bearer \(anna.token)", "Content-Type": type], body: body)
                #expect((200...303).contains(answer.status), "\(path): \(answer.status) \(answer.body)")
                let latest = try #require(try await queue.operations(limit: 1).first)
                #expect(latest.actor == "web:anna" && latest.filter == filter, "\(path): \(latest)")
            }
        }
    }

    // MARK: - Redaction

    private static let secret = "s3cr3t"

    /// Jobs of each kind of payload, buried and failed, with a secret in a header and in the payload.
    private static func queueWithSecrets() async throws -> JobQueue<InMemoryStore> {
        let queue = JobQueue(store: InMemoryStore())
        var options = JobOptions()
        try options.headers.set("api-key", to: "\(secret)-1")
        let json = #"{"password":"\#(secret)-2","deep":[{"PassWord":["\#(secret)-3"]}],"name":"anna"}"#
        for type in [
            "application/json", "text/plain", "text/html", "message/rfc822", "application/octet-stream",
        ] {
            let text = type == "application/json" ? json : "password=\(secret)-4"
            let id = try await queue.enqueue(
                payload: Array(text.utf8), contentType: type, in: "mail", options: options
            ).id
            try await queue.bury([id], reason: "no such address")
        }
        return queue
    }

    @Test("shows no value that is redacted: no page, no JSON, no payload, nothing live")
    func redaction() async throws {
        let queue = try await Self.queueWithSecrets()
        let jobs = 1...5
        try await queue.change([JobID(rawValue: 1)], .setPriority(to: 7), by: "anna")
        let dryRun: @Sendable (JobID) async throws -> DryRunReport = { id in
            var report = DryRunReport(id, in: "mail", .done)
            report.standardOutput = .init(Array(Self.secret.utf8), total: Self.secret.utf8.count)
            return report
        }
        func change(_ options: inout Dashboard.Options) { options.dryRuns = ["mail": dryRun] }
        try await withServer(queue, redacted: ["API-Key", "password"], change: change) { client, _ in
            var isShown = false
            func check(_ method: String, _ path: String, _ headers: [String: String] = [:], _ body: String = "")
                async throws
            {
                let answer = try await client.send(method, path, headers: headers, body: body)
                #expect(!answer.body.contains(Self.secret), "\(method) \(path): \(answer.status)")
                #expect(answer.status != 500, "\(method) \(path)")
                isShown = isShown || answer.status == 200 && answer.body.contains("anna")
            }
            let begun = try await client.send("POST", "/jobs/1/dry-runs")
            same(begun.status, 303)
            for route in Route.all where route.method == .get && route.kind != .stream {
                for id in jobs {
                    let path = route.path.replacing(":id", with: "\(id)").replacing(":name", with: "mail")
                        .replacing(":run", with: "1")
                    for end in ["", "?frame", ".json"] { try await check("GET", path + end) }
                    guard route.path.contains(":id") else { break }
                }
            }
            #expect(isShown, "nothing was shown at all")
            let json = ["Content-Type": "application/json"]
            try await check(
                "POST", "/api/v1/operations/preview", json, #"{"query":"queue:mail","action":"delete"}"#)
            for route in Route.all where route.make != nil {
                for id in jobs {
                    let page = route.path.replacing(":id", with: "\(id)").replacing(":name", with: "mail")
                    // The whole page, since the reader has none; there is no operation of the last numbers, and no mail.
                    let isThere =
                        !route.path.hasPrefix("/mail") && (!route.path.contains("operations/:id") || id == 1)
                    let live = try await client.begin(
                        "/live?page=\(percentEncoded(page))", until: isThere ? "}\n\n" : "retry:"
                    ).text
                    #expect(!live.contains(Self.secret), "\(page)")
                    guard route.path.contains(":id") else { break }
                }
            }
        }
    }

    @Test("finds no job by a value that is redacted, and lets nobody write in its place")
    func searching() async throws {
        try await withServer(try await Self.queueWithSecrets(), redacted: ["API-Key", "password"]) { client, _ in
            for query in ["s3cr3t", "queue:mail -s3cr3t", "header.API-Key:s3*", "-header.api-key:s3cr3t-1"] {
                let encoded = percentEncoded(query)
                let json = ["Content-Type": "application/json"]
                for path in [
                    "/jobs.json?q=", "/jobs/count?q=", "/operations/new?q=", "/operations/new.json?q=",
                    "/api/v1/jobs?q=",
                ] {
                    let answer = try await client.send("GET", path + encoded)
                    #expect(answer.status == 400, "\(path)\(query): \(answer.status)")
                }
                let page = try await client.send("GET", "/jobs?q=\(encoded)")
                #expect(page.body.contains("redacted here") && !page.body.contains("/jobs/1\""), "\(query)")
                for path in ["/api/v1/operations/preview", "/api/v1/operations"] {
                    let call = try await client.send(
                        "POST", path, headers: json, body: #"{"query":"\#(query)","action":"delete"}"#)
                    #expect(call.status == 400, "\(path) \(query): \(call.status)")
                }
                let form = try await client.send("POST", "/operations", body: "q=\(encoded)&action=delete")
                same(form.status, 400)
            }
            let edited = try await client.send("POST", "/jobs/1/actions", body: "action=copy&payload=x")
            same(edited.status, 400)
            let copied = try await client.send("POST", "/jobs/1/actions", body: "action=copy")
            same(copied.status, 303)
        }
    }
}
