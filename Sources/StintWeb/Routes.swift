import HTTPTypes
import Hummingbird

/// A path, who may call it, and what answers.
struct Route: Sendable {
    enum Kind {
        case page, json, api, stream, other
    }

    let method: HTTPRequest.Method
    let path: String
    var kind: Kind
    /// `nil`: anybody, also without a token.
    let role: Role?
    let answer: @Sendable (WebRequest) async throws -> Response
    /// What makes a page, for those who watch it.
    private(set) var make: (@Sendable (WebRequest) async throws -> Page)?

    private init(
        _ method: HTTPRequest.Method, _ path: String, _ kind: Kind, _ role: Role?,
        _ answer: @escaping @Sendable (WebRequest) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.kind = kind
        self.role = role
        self.answer = answer
    }

    /// A page and its JSON.
    private static func page(
        _ path: String, _ role: Role = .view, make: @escaping @Sendable (WebRequest) async throws -> Page
    ) -> [Route] {
        var html = Route(.get, path.isEmpty ? "/" : path, .page, role) { request in
            let page = try await make(request)
            if request.wantsJSON { return .json(page.facts) }
            return request.html(page)
        }
        html.make = make
        // A path that ends with a name is told apart by ``Dashboard``.
        if path.contains(":") { return [html] }
        return [
            html,
            Route(.get, path.isEmpty ? "/overview.json" : path + ".json", .json, role) {
                .json(try await make($0).facts)
            },
        ]
    }

    /// A change by a form of a page.
    private static func action(
        _ path: String, _ role: Role, _ perform: @escaping @Sendable (WebRequest, Form) async throws -> String
    ) -> Route {
        Route(.post, path, .page, role) { request in
            // 303: the browser gets the page and does not send the form again.
            .redirect(
                to: request.dashboard.options.basePath + (try await perform(request, try await request.form())),
                type: .normal)
        }
    }

    static let all: [Route] = pages + actions + others + api

    private static let pages: [Route] = [
        page("", make: overviewPage),
        page("/jobs", make: jobsPage),
        page("/errors", make: errorsPage),
        page("/operations", make: operationsPage),
        page("/operations/new", .operate, make: previewPage),
        page("/operations/:id", make: operationPage),
        page("/jobs/:id", make: jobPage),
        page("/queues", make: queuesPage),
        page("/queues/:name", make: queuePage),
        page("/workers", make: workersPage),
        page("/schedules", make: schedulesPage),
        page("/webhooks", make: webhooksPage),
        page("/mail", make: mailsPage),
        page("/mail/:id", make: mailPage),
        page("/doctor", make: doctorPage),
    ].flatMap { $0 }

    private static let actions: [Route] = [
        action("/jobs/actions", .operate, changeJobs),
        action("/jobs/:id/actions", .operate, changeJob),
        action("/jobs/:id/dry-runs", .operate, beginDryRun),
        action("/operations", .operate, beginOperation),
        action("/operations/:id/actions", .operate, controlOperation),
        action("/queues/:name/pause", .operate, pauseQueue),
        action("/queues/:name/resume", .operate, resumeQueue),
        action("/queues/:name/limits", .admin, limitQueue),
        action("/workers/restart", .admin, restartWorkers),
        action("/workers/:id/orders", .admin, orderWorker),
        action("/doctor/examine", .operate, examine),
        action("/schedules/:name/actions", .operate, changeSchedule),
        action("/mail/delete", .operate, removeMails),
        action("/mail/:id/delete", .operate, removeMail),
        action("/webhooks/:name/test", .operate, changeWebhook),
        action("/webhooks/:name/delete", .admin, removeWebhook),
    ]

    private static let others: [Route] = [
        Route(.post, "/webhooks", .page, .admin, addWebhook),
        Route(.get, "/jobs/count", .json, .view, countJobs),
        Route(.get, "/jobs/:id/payload", .other, .view, payload),
        // Its output may have in it what no page shows, so it is for those who can begin one.
        Route(.get, "/jobs/:id/dry-runs/:run", .page, .operate, dryRunPage),
        Route(.get, "/mail/:id/html", .other, .view, mailDocument),
        Route(.get, "/mail/:id/source", .other, .view, mailSource),
        Route(.get, "/mail/:id/parts/:part", .other, .view, mailAttachment),
        Route(.get, "/live", .stream, .view, liveUpdates),
        Route(.get, "/metrics", .other, .view, metrics),
        Route(.get, "/health", .other, nil) { _ in .text("ok\n") },
        Route(.get, "/ready", .other, nil, readiness),
        Route(.get, signInPath, .page, nil, signInPage),
        Route(.post, signInPath, .page, nil, signIn),
        Route(.post, "/sign-out", .page, nil, signOut),
        Route(.get, "/assets/stint.css", .other, nil) {
            .asset($0, PackageResources.stint_css, "text/css; charset=utf-8")
        },
        Route(.get, "/assets/stint.js", .other, nil) {
            .asset($0, PackageResources.stint_js, "text/javascript; charset=utf-8")
        },
    ]

    private static let api: [Route] = [
        call(.get, "/openapi.json", nil, openAPI),
        call(.post, "/jobs", .operate, enqueue),
        call(.get, "/jobs", .view, listJobs),
        call(.post, "/jobs/actions", .operate, actOnJobs),
        call(.get, "/jobs/:id", .view, showJob),
        call(.get, "/jobs/:id/payload", .view, payloadBytes),
        call(.post, "/jobs/:id/actions", .operate, actOnJob),
        call(.get, "/queues", .view, listQueues),
        call(.get, "/queues/:name", .view, showQueue),
        call(.patch, "/queues/:name", .admin, changeQueue),
        call(.post, "/queues/:name/pause", .operate, pauseQueue),
        call(.post, "/queues/:name/resume", .operate, resumeQueue),
        call(.get, "/queues/:name/groups", .view, listGroups),
        call(.patch, "/queues/:name/groups/:group", .admin, changeGroup),
        call(.get, "/schedules", .view, listSchedules),
        call(.get, "/schedules/:name", .view, showSchedule),
        call(.put, "/schedules/:name", .operate, setSchedule),
        call(.delete, "/schedules/:name", .operate, deleteSchedule),
        call(.post, "/schedules/:name/run", .operate, runSchedule),
        call(.post, "/schedules/:name/pause", .operate, pauseSchedule),
        call(.post, "/schedules/:name/resume", .operate, resumeSchedule),
        call(.get, "/webhooks", .view, listWebhooks),
        call(.put, "/webhooks/:name", .admin, setWebhook),
        call(.delete, "/webhooks/:name", .admin, deleteWebhook),
        call(.post, "/webhooks/:name/test", .operate, testWebhook),
        call(.get, "/stats", .view, statistics),
        call(.get, "/workers", .view, listWorkers),
        call(.post, "/workers/restart", .admin, restartAllWorkers),
        call(.post, "/workers/:id/orders", .admin, orderWorker),
        call(.get, "/operations", .view, listOperations),
        call(.post, "/operations", .operate, beginOperation),
        call(.post, "/operations/preview", .operate, previewOperation),
        call(.get, "/operations/:id", .view, showOperation),
        call(.post, "/operations/:id/pause", .operate, pauseOperation),
        call(.post, "/operations/:id/resume", .operate, resumeOperation),
        call(.post, "/operations/:id/cancel", .operate, cancelOperation),
        call(.post, "/operations/:id/restore", .operate, restoreOperation),
        call(.get, "/failures", .view, listFailures),
        call(.get, "/mails", .view, listMails),
        call(.delete, "/mails", .operate, deleteMails),
        call(.get, "/mails/wait", .view, waitForMail),
        call(.get, "/mails/:id", .view, showMail),
        call(.delete, "/mails/:id", .operate, deleteMail),
        call(.get, "/mails/:id/source", .view, mailSource),
        call(.get, "/mails/:id/parts/:part", .view, mailAttachment),
        call(.post, "/claims", .operate, claim),
        call(.post, "/leases/extend", .operate, extendLeases),
        call(.post, "/leases/settle", .operate, settleLeases),
    ]

    /// A call of the HTTP API.
    private static func call(
        _ method: HTTPRequest.Method, _ path: String, _ role: Role?,
        _ answer: @escaping @Sendable (WebRequest) async throws -> Response
    ) -> Route {
        Route(method, apiPath + path, .api, role, answer)
    }

    static let apiPath = "/api/v1"
    static let signInPath = "/sign-in"

    /// What answers if a path of the HTTP API is called by another method than those that it has.
    static let otherMethods: [Route] = Dictionary(grouping: api, by: \.path).flatMap { path, routes in
        let known = routes.map(\.method)
        let allowed = known.map(\.rawValue).sorted().joined(separator: ", ")
        return [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options, .trace, .query].filter {
            !known.contains($0)
        }
        .map { method in
            Route(method, path, .api, nil) { _ in
                var error = WebError(
                    .methodNotAllowed, "there is no \(method.rawValue) of this address; expected \(allowed)")
                error.headers[.allow] = allowed
                throw error
            }
        }
    }

    /// The page at a path, who may look at it, and the named parts of the path.
    static func page(at path: String) -> (
        make: @Sendable (WebRequest) async throws -> Page, role: Role?, parameters: [String: String]
    )? {
        let parts = path.split(separator: "/").map { String($0).removingPercentEncoding ?? "" }
        for route in all {
            guard let make = route.make else { continue }
            let pattern = route.path.split(separator: "/")
            guard pattern.count == parts.count, zip(pattern, parts).allSatisfy({ $0.hasPrefix(":") || $0 == $1 }) else {
                continue
            }
            return (
                make, route.role,
                zip(pattern, parts).reduce(into: [:]) { if $1.0.hasPrefix(":") { $0[String($1.0.dropFirst())] = $1.1 } }
            )
        }
        return nil
    }

    /// The named parts of a path.
    static func names(in path: String) -> [String] {
        path.split(separator: "/").filter { $0.hasPrefix(":") }.map { String($0.dropFirst()) }
    }
}
