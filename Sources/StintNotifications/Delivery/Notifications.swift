import Foundation
import Logging
import Metrics
import StintCore
import StintMail
import StintWorker

/// Events that become mails: for each member as they want them, in their language, and only what they may see when it is
/// sent.
///
///     let notifications = Notifications(source: site, templates: try NotificationTemplates(folder: "templates"))
///
///     var fanOut = Worker(queue, queues: ["events"])
///     notifications.register(in: &fanOut)
///     var mail = MailWorker(queue, queues: ["notifications", "mail"], transport: transport)
///     notifications.register(in: &mail)
///
/// An event goes through three steps, and each is a job. The fan-out reads subscribers page by page, and each page's jobs
/// are added in the transaction that ends the page's: exactly once, whenever a worker dies. What is wanted at once becomes
/// a job that waits for the end of quiet hours; for others the event joins the member's digest, which starts at their hour.
/// The mail is written when it is delivered, and the source decides then whether the recipient may see it.
public struct Notifications<Source: NotificationSource>: Sendable {
    public let source: Source
    public let templates: NotificationTemplates
    public let options: NotificationOptions
    let now: @Sendable () -> Date
    let hours = LocalHours()
    let reader = MemberEventReader()

    /// - Parameter now: The time of the queue's clock, for tests that move it.
    public init(
        source: Source, templates: NotificationTemplates, options: NotificationOptions = NotificationOptions(),
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        precondition((1...5_000).contains(options.pageSize), "a page of the fan-out has 1 to 5,000 members")
        precondition(options.maximumPages >= 1 && options.maximumItems >= 1 && options.maximumEvents >= 1)
        self.source = source
        self.templates = templates
        self.options = options
        self.now = now
    }

    /// Lets a worker of the events' queue fan them out.
    public func register(in worker: inout Worker) {
        worker.registerJob(NotificationEvent.self) { event, context in
            try await fanOut(event, after: nil, page: 1, context)
        }
        worker.registerJob(FanOutPage.self) { next, context in
            try await fanOut(next.event, after: next.after, page: next.page, context)
        }
    }

    /// Lets a mail worker write notifications and digests when it delivers them.
    public func register(in worker: inout MailWorker) {
        for name in [MemberEvent.singleName, MemberEvent.digestName] {
            worker.registerMail(named: name) { try await message(for: $0) }
        }
    }

    /// Lets a worker of other jobs too, such as one under a supervisor, write and deliver them.
    public func register(in worker: inout Worker, delivery: MailDelivery) {
        for name in [MemberEvent.singleName, MemberEvent.digestName] {
            delivery.register(named: name, in: &worker) { try await message(for: $0) }
        }
    }

    /// Lets a worker write them for another way of delivery than SMTP, and for tests.
    ///
    /// - Parameter send: Its errors are those of a handler.
    public func register(
        in worker: inout Worker, send: @escaping @Sendable (MailMessage, JobContext) async throws -> Void
    ) {
        worker.registerOthers { context in
            if let message = try await message(for: context) { try await send(message, context) }
        }
    }

    func skip(_ skipped: SkippedNotification, _ logger: Logger) {
        logger.debug(
            "a notification is not sent",
            metadata: [
                "member": "\(skipped.member)", "event": "\(skipped.event?.id ?? "-")",
                "kind": "\(skipped.event?.kind ?? "digest")", "cause": "\(skipped.cause.rawValue)",
                "reason": "\(skipped.reason)",
            ])
        Counter(
            label: "stint.notifications", dimensions: [("outcome", "skipped"), ("cause", skipped.cause.rawValue)]
        ).increment()
        options.onSkip?(skipped)
    }
}
