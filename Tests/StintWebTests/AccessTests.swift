import HTTPTypes
import Hummingbird
import Logging
import StintCore
import StintPlatform
import StintTesting
import Synchronization
import TestSupport
import Testing

@testable import StintWeb

@Suite("Who may do what on the dashboard")
struct AccessTests {
    private static let view = try! Credentials.newToken(for: "vera", role: .view)
    private static let operate = try! Credentials.newToken(for: "otto", role: .operate)
    private static let admin = try! Credentials.newToken(for: "ada", role: .admin)

    private static func access() throws -> Access {
        .credentials(try Credentials(text: [view.line, operate.line, admin.line].joined(separator: "\n"), of: "users"))
    }

    @Test("every route answers only those with its role")
    func roles() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue, try Self.access()) { client, _ in
            for route in Route.all where route.kind != .stream {
                let path = route.path.replacing(":id", with: "1").replacing(":name", with: "mail")
                    .replacing(":run", with: "1")
                var statuses: [Role?: Int] = [:]
                for (role, token) in [
                    (nil, "no"), (.view, Self.view.token), (.operate, Self.operate.token), (.admin, Self.admin.token),
                ]
                    as [(Role?, String)]
                {
                    // Without a body nothing is changed: at most it is refused for that.
                    statuses[role] = try await client.send(
                        route.method.rawValue, path, headers: ["Authorization": "Bearer \(token)"], body: ""
                    ).status
                }
                for (role, status) in statuses {
                    let mayCall = route.role.map { needed in role.map { $0 >= needed } ?? false } ?? true
                    let isRefused =
                        route.kind == .page && route.method == .get && role == nil
                        ? status == 303 : [401, 403].contains(status)
                    #expect(
                        mayCall != isRefused || route.path.contains("sign"),
                        "\(route.method) \(path) as \(role.map { "\($0)" } ?? "nobody"): \(status)")
                }
            }
        }
    }

    @Test(
        "every answer has the headers that keep a browser safe",
        arguments: ["/", "/nothing", "/jobs/99", "/assets/stint.js", "/metrics", "/jobs.json"])
    func headers(path: String) async throws {
        try await withServer(try await sampleQueue()) { client, _ in
            let answer = try await client.send("GET", path)
            #expect(answer.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(answer.headers["content-security-policy"]?.contains("unsafe") == false)
            #expect(answer.headers["content-security-policy"]?.contains("frame-ancestors 'none'") == true)
            #expect(answer.headers["x-content-type-options"] == "nosniff")
            #expect(answer.headers["referrer-policy"] == "no-referrer")
            #expect(answer.headers["cross-origin-resource-policy"] == "same-origin")
            #expect(answer.headers["cache-control"] == (path.hasPrefix("/assets") ? "public, max-age=300" : "no-store"))
        }
    }

    @Test("a change from another site, and one that hides where it comes from, is refused")
    func otherSites() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue) { client, _ in
            func attempt(_ headers: [String: String]) async throws -> Int {
                try await client.send("POST", "/queues/mail/pause", headers: headers).status
            }
            let own = "http://127.0.0.1:\(client.port)"
            same(try await attempt(["Sec-Fetch-Site": "cross-site"]), 403)
            same(try await attempt(["Sec-Fetch-Site": "same-site"]), 403)
            same(try await attempt(["Sec-Fetch-Site": "", "Origin": "http://evil.example"]), 403)
            same(try await attempt(["Sec-Fetch-Site": "", "Origin": "null"]), 403)
            same(try await attempt(["Sec-Fetch-Site": ""]), 403)
            same(try await attempt(["Origin": "http://evil.example"]), 403)
            same(try await attempt(["Sec-Fetch-Site": "", "Origin": own + "0"]), 403)
            let before = try await queue.stats()
            #expect(before.allSatisfy { !$0.paused })
            same(try await attempt(["Sec-Fetch-Site": "", "Origin": own]), 303)
            same(try await attempt(["Origin": "null"]), 303)
            let after = try await queue.stats()
            #expect(after.contains { $0.paused })
        }
    }

    @Test("without TLS, a form whose origin is hidden needs the token of its own browser's page")
    func hiddenOrigin() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue, try Self.access()) { client, _ in
            /// As a browser sends it from a page without a referrer, over plain HTTP to another machine.
            func post(_ path: String, _ cookie: String, _ body: String, origin: String = "null") async throws -> Int {
                try await client.send(
                    "POST", path, headers: ["Sec-Fetch-Site": "", "Origin": origin, "Cookie": cookie], body: body
                ).status
            }
            func page(_ path: String, _ cookie: String) async throws -> (cookie: String, token: String) {
                let answer = try await client.send("GET", path, headers: ["Cookie": cookie])
                let match = try #require(answer.body.firstMatch(of: /name="form-token" value="([0-9a-f]{64})"/))
                return (String((answer.headers["set-cookie"] ?? "").prefix { $0 != ";" }), String(match.1))
            }
            let start = try await page("/sign-in", "")
            #expect(start.cookie.hasPrefix("stint-form="))
            let token = Self.operate.token
            same(try await post("/sign-in", start.cookie, "token=\(token)"), 403)
            same(try await post("/sign-in", "", "token=\(token)&form-token=\(start.token)"), 403)
            same(try await post("/sign-in", "stint-form=0", "token=\(token)&form-token=\(start.token)"), 403)
            let right = try await client.send(
                "POST", "/sign-in", headers: ["Sec-Fetch-Site": "", "Origin": "null", "Cookie": start.cookie],
                body: "token=\(token)&form-token=\(start.token)")
            same(right.status, 303)
            let session = String(try #require(right.headers["set-cookie"]).prefix { $0 != ";" })
            let other = try await client.send("POST", "/sign-in", body: "token=\(token)")
            let otherSession = String(try #require(other.headers["set-cookie"]).prefix { $0 != ";" })

            let own = try await page("/queues/mail", session).token
            let others = try await page("/queues/mail", otherSession).token
            same(try await post("/queues/mail/pause", session, ""), 403)
            same(try await post("/queues/mail/pause", session, "form-token=\(others)"), 403)
            same(try await post("/queues/mail/pause", session, "form-token=\(start.token)"), 403)
            same(try await post("/queues/mail/pause", session, "form-token=\(own)", origin: "http://evil.example"), 403)
            same(try await post("/queues/mail/pause", session, "form-token=\(own)", origin: ""), 403)
            let before = try await queue.stats()
            #expect(before.allSatisfy { !$0.paused })
            same(try await post("/queues/mail/pause", session, "form-token=\(own)"), 303)
            let after = try await queue.stats()
            #expect(after.contains { $0.paused })
            // The API has no forms.
            let call = try await client.send(
                "POST", "/api/v1/queues/mail/resume",
                headers: [
                    "Sec-Fetch-Site": "", "Origin": "null", "Cookie": session, "Content-Type": "application/json",
                ])
            same(call.status, 403)
            // The page of an error has a form too: to sign out.
            let missing = try await page("/jobs/999999", session).token
            #expect(missing == own)
            same(try await post("/sign-out", session, ""), 403)
            same(try await post("/sign-out", session, "form-token=\(own)"), 303)
        }
    }

    @Test("without TLS, the page that answers a form has the token in its own forms")
    func answerOfForm() async throws {
        try await withServer(try await sampleQueue(), try Self.access()) { client, _ in
            let signIn = try await client.send("POST", "/sign-in", body: "token=\(Self.admin.token)")
            let session = String(try #require(signIn.headers["set-cookie"]).prefix { $0 != ";" })
            let field = /name="form-token" value="([0-9a-f]{64})"/
            let page = try await client.send("GET", "/webhooks", headers: ["Cookie": session])
            let token = try #require(page.body.firstMatch(of: field)).output.1
            let answer = try await client.send(
                "POST", "/webhooks", headers: ["Sec-Fetch-Site": "", "Origin": "null", "Cookie": session],
                body: "name=ops&url=https://hooks.example.com/&events=buried&template=json&form-token=\(token)")
            same(answer.status, 200)
            #expect(answer.body.contains("whsec_"))
            let tokens = answer.body.matches(of: field).map(\.output.1)
            #expect(tokens.count == answer.body.matches(of: /<form method="post"/).count && Set(tokens) == [token])
        }
    }

    @Test("an application with users of its own says who sends a request, and a role is still the most that one may do")
    func applicationUsers() async throws {
        let queue = try await sampleQueue()
        var access = Access.application
        access.mostRole = .operate
        var options = Dashboard.Options(
            access: access, basePath: "/jobs", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withApplication(try Dashboard(queue: queue, options: options)) { client in
            func status(_ method: String, _ path: String, _ user: String, site: String = "same-origin") async throws
                -> Int
            {
                try await client.send(method, path, headers: ["X-User": user, "Sec-Fetch-Site": site]).status
            }
            same(try await status("GET", "/jobs/", ""), 401)
            same(try await status("GET", "/jobs/api/v1/jobs", ""), 401)
            same(try await status("GET", "/jobs/health", ""), 200)
            same(try await status("GET", "/jobs/", "view"), 200)
            same(try await status("POST", "/jobs/queues/mail/pause", "view"), 403)
            same(try await status("POST", "/jobs/queues/mail/pause", "operate", site: "cross-site"), 403)
            same(try await status("POST", "/jobs/queues/mail/pause", "operate"), 303)
            same(try await status("POST", "/jobs/workers/restart", "admin"), 403)
            let page = try await client.send("GET", "/jobs/", headers: ["X-User": "admin"])
            #expect(page.body.contains("the-admin, operate"))
            // Its own cookies and tokens mean nothing here.
            let token = try await client.send(
                "GET", "/jobs/", headers: ["Authorization": "Bearer \(Self.admin.token)"])
            same(token.status, 401)
            // The application's server may take longer ones than a server of Stint's.
            let long = String(repeating: "x", count: 9_000)
            same(try await status("GET", "/jobs/jobs?q=\(long)", "view"), 414)
        }
        options.signInAddress = "/sign-in-of-app"
        try await withApplication(try Dashboard(queue: queue, options: options)) { client in
            let page = try await client.send("GET", "/jobs/")
            #expect(page.status == 303 && page.headers["location"] == "/sign-in-of-app")
        }
    }

    @Test("a server for looking lets nobody change anything, whatever role the token has")
    func readOnly() async throws {
        var access = try Self.access()
        access.mostRole = .view
        let queue = try await sampleQueue()
        try await withServer(queue, access) { client, _ in
            let headers = ["Authorization": "Bearer \(Self.admin.token)"]
            let page = try await client.send("GET", "/queues/mail", headers: headers)
            #expect(page.status == 200 && page.body.contains("ada, view"))
            same(try await client.send("POST", "/queues/mail/pause", headers: headers).status, 403)
            let signIn = try await client.send("POST", "/sign-in", body: "token=\(Self.admin.token)")
            let session = String(try #require(signIn.headers["set-cookie"]).prefix { $0 != ";" })
            same(try await client.send("POST", "/queues/mail/pause", headers: ["Cookie": session]).status, 403)
        }
        let stats = try await queue.stats()
        #expect(stats.allSatisfy { !$0.paused })
    }

    @Test("who signs out is sent nothing more in other tabs")
    func liveSession() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue, try Self.access()) { client, dashboard in
            let signIn = try await client.send("POST", "/sign-in", body: "token=\(Self.operate.token)")
            let session = String(try #require(signIn.headers["set-cookie"]).prefix { $0 != ";" })
            let connection = try await client.begin(
                "/live?page=/queues", headers: ["Cookie": session], until: "}\n\n\r\n"
            ).connection
            same(try await client.send("POST", "/sign-out", headers: ["Cookie": session]).status, 303)
            try await queue.enqueue(payload: [1], in: "after-that")
            // The next event, or the end.
            let rest = try await WebClient.onThread { try connection.read(until: "\n\r\n") }
            #expect(rest == "0\r\n\r\n")
            try await eventually("nobody looks") { await dashboard.live.listenerCount == 0 }
        }
    }

    @Test("without TLS, what a page shows later has the token of its own browser in its forms too")
    func liveToken() async throws {
        try await withServer(try await sampleQueue(), try Self.access()) { client, _ in
            for _ in 1...2 {
                let signIn = try await client.send("POST", "/sign-in", body: "token=\(Self.operate.token)")
                let session = String(try #require(signIn.headers["set-cookie"]).prefix { $0 != ";" })
                let page = try await client.send("GET", "/queues/mail", headers: ["Cookie": session])
                let token = try #require(page.body.firstMatch(of: /name="form-token" value="([0-9a-f]{64})"/)).1
                let live = try await client.begin(
                    "/live?page=/queues/mail", headers: ["Cookie": session], until: "</form>"
                ).text
                #expect(live.contains(#"name=\"form-token\" value=\"\#(token)\""#), "\(live)")
            }
        }
    }

    @Test("a name that nobody gave the server is refused, as DNS rebinding needs one")
    func hosts() async throws {
        var access = Access.open(.admin)
        access.hostNames = ["jobs.example.org"]
        try await withServer(try await sampleQueue(), access) {
            client, _ in
            func status(_ host: String) async throws -> Int {
                try await client.send("GET", "/", headers: ["Host": host]).status
            }
            same(try await status("evil.example"), 421)
            same(try await status("127.0.0.1.evil.example:8180"), 421)
            same(try await status("jobs.example.org."), 421)
            same(try await status("JOBS.example.org:8180"), 200)
            same(try await status("localhost:1"), 200)
            same(try await status("[::1]:8180"), 200)
            same(try await status(""), 400)
        }
    }

    @Test("a session begins with a token, and ends when its user signs out")
    func sessions() async throws {
        try await withServer(try await sampleQueue(), try Self.access()) { client, _ in
            let wrong = try await client.send("POST", "/sign-in", body: "token=stint_no")
            // The cookie of the form's token, and no session.
            #expect(wrong.status == 403 && wrong.headers["set-cookie"]?.contains("stint-session") != true)
            let right = try await client.send("POST", "/sign-in", body: "token=\(Self.operate.token)")
            let cookie = try #require(right.headers["set-cookie"])
            #expect(right.status == 303)
            #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"))
            let pair = String(cookie.prefix { $0 != ";" })
            same(try await client.send("GET", "/", headers: ["Cookie": pair]).status, 200)
            same(try await client.send("POST", "/workers/restart", headers: ["Cookie": pair]).status, 403)
            same(try await client.send("POST", "/sign-out", headers: ["Cookie": pair]).status, 303)
            same(try await client.send("GET", "/", headers: ["Cookie": pair]).status, 303)
        }
    }

    @Test("a session ends after twelve hours, and of very many the oldest one ends")
    func endOfSessions() {
        let (sessions, now, user) = (Sessions(most: 3), ContinuousClock.now, WebUser(name: "anna", role: .view))
        let first = sessions.begin(user, at: now)
        #expect(sessions.user(first, at: now + Sessions.lifetime - .seconds(1)) == user)
        #expect(sessions.user(first, at: now + Sessions.lifetime) == nil)
        let others = (1...3).map { sessions.begin(user, at: now + .seconds($0)) }
        #expect(sessions.user(first, at: now) == nil)
        #expect(others.allSatisfy { sessions.user($0, at: now) == user })
    }

    @Test("a wrong token is not made good by the cookie of a session")
    func wrongTokenWithCookie() async throws {
        try await withServer(try await sampleQueue(), try Self.access()) { client, _ in
            let signedIn = try await client.send("POST", "/sign-in", body: "token=\(Self.admin.token)")
            let cookie = String(try #require(signedIn.headers["set-cookie"]).prefix { $0 != ";" })
            let answer = try await client.send(
                "GET", "/api/v1/jobs", headers: ["Cookie": cookie, "Authorization": "Bearer stint_no"])
            same(answer.status, 401)
            // Nor does a header that is no token make a request of another site one of a program.
            let other = try await client.send(
                "POST", "/queues/mail/pause",
                headers: ["Cookie": cookie, "Authorization": "Basic x", "Sec-Fetch-Site": "cross-site"])
            same(other.status, 401)
        }
    }

    @Test("only a proxy that is trusted can say that TLS is there, or who the user is")
    func proxies() async throws {
        func cookie(trusted: Set<String>) async throws -> (String, Int) {
            let found = Mutex(("", 0))
            var access = try Self.access()
            access.trustedProxies = trusted
            access.proxyUserHeader = "remote-user"
            try await withServer(try await sampleQueue(), access) { client, _ in
                let answer = try await client.send(
                    "POST", "/sign-in", headers: ["X-Forwarded-Proto": "https"], body: "token=\(Self.view.token)")
                let named = try await client.send("GET", "/", headers: ["Remote-User": "ada"])
                found.withLock { $0 = (answer.headers["set-cookie"] ?? "", named.status) }
            }
            return found.withLock { $0 }
        }
        let trusted = try await cookie(trusted: ["127.0.0.1"])
        #expect(trusted.0.hasPrefix("__Host-stint-session=") && trusted.0.contains("Secure") && trusted.1 == 200)
        let other = try await cookie(trusted: ["127.0.0.2"])
        #expect(other.0.hasPrefix("stint-session=") && other.1 == 303)
    }

    @Test("an address that others can reach needs users, or that nobody can change anything")
    func addresses() async throws {
        let queue = try await sampleQueue()
        func server(_ host: String, _ access: Access) throws {
            _ = try WebServer(host: host, port: 0, dashboard: Dashboard(queue: queue, options: .init(access: access)))
        }
        #expect(throws: StintError.self) { try server("0.0.0.0", .open(.admin)) }
        #expect(throws: StintError.self) { try server("0.0.0.0", .open(.operate)) }
        #expect(throws: StintError.self) { try server("::", .open(.admin)) }
        try server("0.0.0.0", .open(.view))
        try server("0.0.0.0", try Self.access())
        try server("127.0.0.1", .open(.admin))
        try server("::1", .open(.admin))
    }

    @Test(
        "a line of the credentials that is wrong is named",
        arguments: [
            ("", "names no user"), ("anna view", "line 1: it has 2 words"),
            ("\nanna boss -", "line 2: there is no role 'boss'"),
            ("anna view -\nanna admin -", "line 2: there is a user 'anna' already"),
            ("anna view sha256:12", "must be sha256: and 64 hexadecimal digits"),
            ("anna view md5:00", "must be sha256:"),
        ])
    func wrongCredentials(text: String, words: String) {
        let error = #expect(throws: StintError.self) { try Credentials(text: text, of: "users") }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("a file that others can read is refused")
    func permissions() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/users"
        try Credentials.add(Self.view.line, of: "vera", to: path)
        #expect(try Credentials(file: path).user(token: Self.view.token)?.role == .view)
        #expect(try Credentials(file: path).user(token: Self.admin.token) == nil)
        #expect(throws: StintError.self) { try Credentials.add(Self.view.line, of: "vera", to: path) }
        chmod(path, 0o640)
        let error = #expect(throws: StintError.self) { try Credentials(file: path) }
        #expect(error?.description.contains("0640") == true)
    }
}
