import Foundation
import Logging
import ServiceLifecycle
import Stint
import StintMail

/// A process without a session, a locale or a request: it has the data, and the ids in its jobs.
struct WorkerProcess {
    static let smtpVariable = "COMMUNITY_SMTP"
    static let siteVariable = "COMMUNITY_SITE"

    let data: SiteDatabase

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let smtp = environment[Self.smtpVariable], environment[Self.siteVariable] != nil else {
            throw SiteProblem("'\(Self.smtpVariable)' or '\(Self.siteVariable)' is missing in a worker's environment")
        }
        let delivery = MailDelivery(SMTPTransport(try SMTPServer(smtp)))
        let supervisor = Supervisor(data.queue) { [data] queue in
            var worker = Worker(queue, queues: [Mails.queue, CleanUp.queue], concurrency: 8)
            worker.registerJob(CleanUp.self) { _, context in
                let count = try await data.pool.write { try Sessions.cleanUp($0) }
                context.logger.info("old sessions and links are deleted", metadata: ["count": "\(count)"])
            }
            worker.registerOthers(retry: MailDelivery.retry) { try await delivery.run($0) }
            return worker
        }
        try await ServiceGroup(services: [supervisor], logger: Logger(label: "community.worker")).run()
    }
}

/// Deletes sessions and links whose time is over. A schedule enqueues it each night.
struct CleanUp: JobParameters {
    static let jobName = "clean-up"
    static let queue: QueueName = "chores"
}
