// A web application of its own that has the dashboard under /jobs, and a worker beside it. Run it with
// `swift run DashboardExample`, and open http://127.0.0.1:8080/jobs/.

import Hummingbird
import Logging
import ServiceLifecycle
import Stint
import StintWeb

@main
struct DashboardExample {
    static func main() async throws {
        let queue = try await JobQueue(.sqlite("example.db"))
        try await queue.enqueue(payload: Array("Hello".utf8), in: "mail", delay: .seconds(5))

        // Everybody who reaches this machine's own address may do everything. An application that others can reach gives
        // `.credentials(try Credentials(file: "users"))` instead.
        let dashboard = try Dashboard(queue: queue, options: .init(access: .open(.admin), basePath: "/jobs"))

        let router = Router()
        router.get("/") { _, _ in "The application's own page. The jobs are at /jobs/.\n" }
        dashboard.addRoutes(to: router.group("jobs"))
        let application = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: 8080)))

        var worker = Worker(queue, queues: ["mail"], concurrency: 4)
        worker.registerOthers { context in context.logger.info("a job of \(context.job.payload.count) bytes") }

        let group = ServiceGroup(
            services: [application, worker, Reaper(queue)], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "example"))
        try await group.run()
    }
}
