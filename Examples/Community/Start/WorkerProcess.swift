import Foundation
import Logging
import ServiceLifecycle
import Stint
import StintInbound
import StintMail
import StintNotifications

/// A process without a session, a locale or a request: it has the data, and the ids in its jobs. Whatever kills it ends
/// nothing else, and the job that does it again and again is buried.
struct WorkerProcess {
    static let smtpVariable = "COMMUNITY_SMTP"
    static let siteVariable = "COMMUNITY_SITE"
    static let roleVariable = "COMMUNITY_ROLE"

    enum Role: String {
        /// Events of members, the mails about them, replies, passwords and chores.
        case members
        /// The newsletter to all, which takes minutes.
        case newsletter
    }

    /// How long a worker goes on with its jobs after the order to stop.
    private static let gracePeriod: Duration = .seconds(5)
    /// How long the mail server may take for an answer. It is on this machine.
    static let answerTime: Duration = .seconds(15)
    /// How long a worker may take to end. A mail whose end was sent is waited for, since only the server's answer says whether
    /// it has it. A worker that is killed before would let it be sent again.
    static let stopTime = gracePeriod + MailDelivery.stopTimeout(responseTimeout: answerTime)

    static var options: Worker.Options {
        var options = Worker.Options()
        options.gracePeriod = gracePeriod
        return options
    }

    static var memberMails: NotificationOptions {
        var options = NotificationOptions()
        options.queue = Mails.notifications
        return options
    }

    static var newsletterMails: NotificationOptions {
        var options = NotificationOptions()
        options.queue = Mails.newsletters
        // A member has one digest a period, for all kinds of events.
        options.digestQueue = Mails.notifications
        options.priority = 4_096
        return options
    }

    let data: SiteDatabase

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let smtp = environment[Self.smtpVariable], let site = environment[Self.siteVariable],
            let role = environment[Self.roleVariable].flatMap({ Role(rawValue: $0) })
        else { throw SiteProblem("a worker process is started by its site only: `community` starts it") }
        let mails = try Mails(jobs: data.queue, secret: try Secret(folder: data.folder), address: site)
        var server = try SMTPServer(smtp)
        server.responseTimeout = Self.answerTime
        let delivery = MailDelivery(SMTPTransport(server))
        let supervisor = Supervisor(data.queue) { [data] queue in
            switch role {
            case .members: Self.members(queue, data, mails, delivery)
            case .newsletter: Self.newsletter(queue, data, mails, delivery)
            }
        }
        try await ServiceGroup(services: [supervisor], logger: Logger(label: "community.worker")).run()
    }

    private static func members(
        _ queue: JobQueue<SQLiteStore>, _ data: SiteDatabase, _ mails: Mails, _ delivery: MailDelivery
    ) -> Worker {
        var worker = Worker(
            queue, queues: [Mails.urgent, Mails.events, Mails.notifications, Mails.inbound, CleanUp.queue],
            concurrency: 8, options: Self.options)
        delivery.register(named: PasswordMail.jobName, in: &worker) { try await mails.passwordMail($0, data) }
        register(data, mails, delivery, memberMails, in: &worker)
        let replies = Replies(data: data, mails: mails, writing: Writing(events: Events(queue: queue)))
        worker.registerJob(InboundMail.self) { mail, context in try await replies.take(mail, context) }
        worker.registerJob(CleanUp.self) { _, context in
            let count = try await data.pool.write { try Sessions.cleanUp($0) }
            context.logger.info("old sessions and links are deleted", metadata: ["count": "\(count)"])
        }
        return worker
    }

    private static func newsletter(
        _ queue: JobQueue<SQLiteStore>, _ data: SiteDatabase, _ mails: Mails, _ delivery: MailDelivery
    ) -> Worker {
        var worker = Worker(queue, queues: [Mails.newsletters], concurrency: 16, options: Self.options)
        register(data, mails, delivery, newsletterMails, in: &worker)
        return worker
    }

    /// Events become jobs of members, and these become mails when they are delivered.
    private static func register(
        _ data: SiteDatabase, _ mails: Mails, _ delivery: MailDelivery, _ options: NotificationOptions,
        in worker: inout Worker
    ) {
        let notifications = Notifications(
            source: SiteSource(data: data, mails: mails), templates: mails.templates, options: options)
        notifications.register(in: &worker)
        notifications.register(in: &worker, delivery: delivery)
        delivery.register(in: &worker)
    }
}
