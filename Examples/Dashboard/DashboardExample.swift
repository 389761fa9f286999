// A web application of its own, with users of its own, that has the dashboard under /jobs, and a worker beside it. Run it
// with `swift run DashboardExample`, and open http://127.0.0.1:8080/jobs/ as anna with the password "secret", who may
// change jobs, or as otto with "secret", who may look.

import Hummingbird
import Logging
import ServiceLifecycle
import Stint
import StintWeb

/// What the application knows of a request.
struct AppContext: RequestContext {
    struct User {
        let name: String
        let isOperator: Bool
    }

    var coreContext: CoreRequestContextStorage
    var user: User?

    init(source: Source) { coreContext = .init(source: source) }
}

/// The application's own way to know its users; here the browser's password dialog.
struct Authentication: RouterMiddleware {
    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        switch request.headers[.authorization] {
        case "Basic YW5uYTpzZWNyZXQ=": context.user = .init(name: "anna", isOperator: true)
        case "Basic b3R0bzpzZWNyZXQ=": context.user = .init(name: "otto", isOperator: false)
        default: return Response(status: .unauthorized, headers: [.wwwAuthenticate: "Basic realm=\"example\""])
        }
        return try await next(request, context)
    }
}

@main
struct DashboardExample {
    static func main() async throws {
        let queue = try await JobQueue(.sqlite("example.db"))
        try await queue.enqueue(payload: Array("Hello".utf8), in: "mail", delay: .seconds(5))

        // An application without users of its own gives `.credentials(try Credentials(file: "users"))`, or at an address of
        // this machine alone `.open(.admin)`.
        let dashboard = try Dashboard(queue: queue, options: .init(access: .application, basePath: "/jobs"))

        let router = Router(context: AppContext.self)
        router.get("/") { _, _ in "The application's own page. The jobs are at /jobs/.\n" }
        dashboard.addRoutes(to: router.group("jobs").add(middleware: Authentication())) { _, context in
            context.user.map { WebUser(name: $0.name, role: $0.isOperator ? .operate : .view) }
        }
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))

        var worker = Worker(queue, queues: ["mail"], concurrency: 4)
        worker.registerOthers { context in context.logger.info("a job of \(context.job.payload.count) bytes") }

        let group = ServiceGroup(
            services: [application, worker, Reaper(queue)], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "example"))
        try await group.run()
    }
}
