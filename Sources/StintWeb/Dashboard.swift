import Hummingbird
import Logging
import StintCore
import StintMailbox

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The pages of a queue, their JSON, its metrics and its HTTP API, for a Hummingbird router.
///
///     let dashboard = try Dashboard(
///         queue: queue, options: .init(access: .credentials(credentials), basePath: "/jobs"))
///     dashboard.addRoutes(to: router.group("jobs"))
///
/// It reads the queue only while somebody looks, in short transactions.
public struct Dashboard: Sendable {
    public struct Options: Sendable {
        /// Who may use it.
        public var access: Access
        /// Where the router's group is, as `/jobs`; empty for the root.
        public var basePath: String
        /// The names of headers and JSON keys whose values are shown nowhere; upper and lower case are the same.
        public var redacted: Set<String> = []
        /// What `stint doctor` finds around the tables, in a moment; `nil`: the store cannot be examined.
        public var examine: (@Sendable () async throws -> [Finding])?
        /// What it finds by reading everything, which may take minutes.
        public var examineThoroughly: (@Sendable () async throws -> [Finding])?
        /// What the store takes of its disk, for the metrics.
        public var measure: (@Sendable () async throws -> StorageSize)?
        /// Metrics of other parts of the program, which are read for each scrape.
        public var moreMetrics: (@Sendable () async -> [MetricFamily])?
        /// The version of the program, for the metrics.
        public var version: String?
        /// For each queue what runs a copy of a buried job, such as `DryRun` of StintWorker; the page of such a job then has
        /// a button for it. At most two run at a time.
        public var dryRuns: [QueueName: @Sendable (JobID) async throws -> DryRunReport] = [:]
        /// Where the application lets people sign in, with ``Access/application``; `nil`: who has not is refused.
        public var signInAddress: String?
        /// The mails that the program catches; `nil`: it catches none, and there is no page for them.
        package var mailbox: Mailbox?
        /// Where programs send the mails that are caught.
        package var mailAddress: String?
        /// How the command line names the database, for the commands that pages show.
        public var commandDatabase: String?
        public var logger: Logger

        public init(access: Access, basePath: String = "", logger: Logger = Logger(label: "stint.web")) {
            self.access = access
            self.basePath = basePath
            self.logger = logger
        }
    }

    /// What an examination found.
    public struct Finding: Sendable, Encodable {
        public let isGood: Bool
        public let text: String

        public init(isGood: Bool, text: String) {
            self.isGood = isGood
            self.text = text
        }
    }

    let queue: JobQueue<AnyJobStore>
    let options: Options
    let templates: Templates
    let sessions = Sessions()
    let live: LiveHub
    let examinations: Examinations
    let api = APIState()
    let dryRuns = DryRuns()
    let formTokens = FormTokens()

    public init(queue: JobQueue<some JobStore>, options: Options) throws {
        self.queue = JobQueue(store: AnyJobStore(queue.store, address: ""))
        var options = options
        options.redacted = Set(options.redacted.map { $0.lowercased() })
        guard options.basePath.isEmpty || options.basePath.hasPrefix("/") && !options.basePath.hasSuffix("/") else {
            throw StintError.invalidInput(
                "the base path is \(quoted(options.basePath)); it must be empty, or begin with a slash and not end with one"
            )
        }
        self.options = options
        templates = try Templates()
        live = LiveHub(changes: { [store = self.queue.store, mailbox = options.mailbox] in
            mailbox.map { Self.either(store.changes(), $0.changes()) } ?? store.changes()
        })
        examinations = Examinations(options)
    }

    /// The changes of a store and of something beside it; they end with the store's.
    private static func either(_ store: AsyncStream<Void>, _ other: AsyncStream<Void>) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let first = Task {
            for await _ in store { continuation.yield() }
            continuation.finish()
        }
        let second = Task { for await _ in other { continuation.yield() } }
        continuation.onTermination = { _ in
            first.cancel()
            second.cancel()
        }
        return stream
    }

    /// Ends the dry runs that it has begun, and begins no other: for a server that ends.
    public func endDryRuns() async { await dryRuns.endAll() }

    /// Adds all routes to a router, or to a group of one.
    ///
    ///     dashboard.addRoutes(to: router.group("jobs")) { request, context in
    ///         context.identity.map { WebUser(name: $0.name, role: $0.isOperator ? .operate : .view) }
    ///     }
    ///
    /// - Parameter user: With ``Access/application``: who sends a request; `nil` for somebody who may not use it. It is
    ///   called once for each request, also for those that change something, which must come from the application's own
    ///   pages all the same.
    public func addRoutes<Context: RequestContext>(
        to router: some RouterMethods<Context>,
        user: (@Sendable (Request, Context) async throws -> WebUser?)? = nil
    ) {
        for route in Route.all + Route.otherMethods {
            router.on(RouterPath(route.path), method: route.method) { request, context -> Response in
                await respond(
                    route, request,
                    parameters: Route.names(in: route.path).reduce(into: [:]) {
                        $0[$1] = context.parameters.get($1).map { $0.removingPercentEncoding ?? "" }
                    }, connection: context as? any ConnectionContext
                ) {
                    try await user?(request, context)
                }
            }
        }
    }

    /// Checks a request, answers it, and turns errors into answers.
    private func respond(
        _ route: Route, _ request: Request, parameters: [String: String], connection: (any ConnectionContext)?,
        applicationUser: () async throws -> WebUser?
    ) async -> Response {
        var response: Response
        var (route, parameters) = (route, parameters)
        // `/queues/mail.json`; the page of a queue that is called so itself is `/queues/mail.json?html`.
        if route.kind == .page, route.method == .get, let last = Route.names(in: route.path).last,
            let name = parameters[last], name.hasSuffix(".json"), request.uri.query != "html"
        {
            parameters[last] = String(name.dropLast(5))
            route.kind = .json
        }
        let peer = connection?.peer
        var sender = options.access.sender(request.headers, peer: peer, sessions)
        do {
            try options.access.checkHost(request.head.authority)
            if case .application = options.access.mode {
                sender.user = try await applicationUser().map {
                    WebUser(name: $0.name, role: min($0.role, options.access.mostRole))
                }
            }
            guard (request.uri.query?.utf8.count ?? 0) <= WebRequest.maximumQueryBytes else {
                throw WebError(.uriTooLong, "the query is longer than \(WebRequest.maximumQueryBytes) bytes")
            }
            let secret = route.path == Route.signInPath ? sender.formSecret : sender.session
            var needsToken = false
            if route.method != .get, sender.isAmbient {
                needsToken = try options.access.checkOrigin(
                    request.headers, authority: request.head.authority, isJSON: route.kind == .api,
                    hasSecret: secret != nil)
            }
            let user = try authorized(sender, for: route)
            if route.kind == .api, [.post, .put, .patch].contains(route.method), route.role != nil {
                // No form of another site can send this type.
                try WebRequest.checkIsJSON(request.headers)
            }
            var call = WebRequest(
                dashboard: self, request: request, parameters: parameters, user: user, isSecure: sender.isSecure,
                session: sender.session, formSecret: sender.formSecret, peer: peer, connection: connection,
                wantsJSON: route.kind == .json || route.kind == .api)
            if needsToken { call.checkedForm = try await Self.checkedForm(of: call, secret, formTokens) }
            response = try await route.answer(call)
        } catch {
            response = answer(to: error, route, request, sender)
        }
        SecurityHeaders.add(to: &response.headers)
        if request.method == .head { response.body = ResponseBody() }
        return response
    }

    /// The form of a request whose headers do not tell where it comes from.
    private static func checkedForm(
        of request: WebRequest, _ secret: String?, _ tokens: FormTokens
    ) async throws -> Form {
        let form = try await request.form()
        guard let secret, let token = form[FormTokens.field], tokens.isValid(token, of: secret) else {
            throw WebError(
                .forbidden,
                "the browser hides where the request comes from, and the form is not of a page that this server made for it: load the page again, and send it from there"
            )
        }
        return form
    }

    private func authorized(_ sender: Sender, for route: Route) throws -> WebUser {
        guard let needed = route.role else { return sender.user ?? WebUser(name: "", role: .view) }
        guard let user = sender.user else {
            var error = WebError(
                .unauthorized,
                options.access.needsSignIn
                    ? "this needs a token: sign in, or send `Authorization: Bearer TOKEN`"
                    : "this needs a user whom the application knows: sign in there first")
            if options.access.needsSignIn { error.headers[.wwwAuthenticate] = "Bearer" }
            throw error
        }
        try user.checkRole(needed)
        return user
    }

    private func answer(to error: any Error, _ route: Route, _ request: Request, _ sender: Sender) -> Response {
        let problem = WebError(error)
        if problem.status.kind == .serverError, !(error is CancellationError) {
            options.logger.error(
                "a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
        }
        var response: Response
        if route.kind == .page {
            if problem.status == .unauthorized, request.method == .get {
                if options.access.needsSignIn {
                    return .redirect(to: options.basePath + Route.signInPath, type: .normal)
                }
                if let address = options.signInAddress { return .redirect(to: address, type: .normal) }
            }
            response = templates.page(
                Page(title: problem.status.reasonPhrase, template: "error", view: ErrorView(problem)), self,
                user: sender.user, path: request.uri.path, status: problem.status,
                formToken: sender.session.map(formTokens.token))
        } else {
            response = .json(problem.problem, status: problem.status, type: "application/problem+json")
        }
        for field in problem.headers { response.headers[field.name] = field.value }
        return response
    }
}

/// A context that knows its connection.
protocol ConnectionContext: Sendable {
    var peer: String? { get }

    /// Calls this once when nothing more can come from the other side.
    func whenClosed(_ call: @escaping @Sendable () -> Void)
}

private struct ErrorView {
    let status: Int
    let title: String
    let detail: String

    init(_ error: WebError) {
        status = error.status.code
        title = error.status.reasonPhrase
        detail = error.detail
    }
}
