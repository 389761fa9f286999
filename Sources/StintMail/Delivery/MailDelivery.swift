import Logging
import StintCore
import StintWorker

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The handler of jobs that are mails: it delivers each by SMTP, and what the server answers decides what becomes of
/// the job.
///
/// | the mail server | the job |
/// |---|---|
/// | takes the message | is done |
/// | answers 4xx, or the connection is lost during the message | failed: again after the retry policy's delay |
/// | answers 5xx | is buried with the server's words |
/// | cannot be used at all | is released, no attempt counts; see ``MailWorker`` |
/// | has the message, and its answer was lost | failed: it is sent again with the same `Message-ID` |
/// | takes it for some of the recipients | is done; those that were refused become a job of their own in the same transaction |
///
/// There are two kinds of jobs. A ``MailMessage`` as JSON; its headers `mail-from` and `mail-to` (``MailEnvelope``), if
/// it has them, say for whom this job is. And a message that is ready to send: its content type is `message/rfc822`,
/// its payload the message, and it has both headers.
///
/// ``MailWorker`` runs it. To run it in a worker of your own, among other jobs or under a supervisor:
/// `delivery.register(in: &worker)`. Such a worker goes on claiming while the server is dead, and releases what it claims.
public struct MailDelivery: Sendable {
    /// The content type of a job whose payload is a message that is ready to send.
    public static let messageContentType = "message/rfc822"
    /// 30 s, doubling, up to an hour: many servers want a first mail to be tried again after some minutes.
    public static let retry = RetryPolicy.exponential(base: .seconds(30))

    let transport: SMTPTransport
    let retry: RetryPolicy
    /// Called when the server cannot be used.
    var whenUnreachable: @Sendable (SMTPFailure) -> Void = { _ in }

    /// - Parameter retry: Must be the one with which the handler is registered: it is also for recipients who are
    ///   refused for now while others are not.
    public init(_ transport: SMTPTransport, retry: RetryPolicy = MailDelivery.retry) {
        self.transport = transport
        self.retry = retry
    }

    /// Lets a worker deliver the mails among its jobs: all for whose names no handler is registered.
    ///
    /// On an order to stop, the worker waits for the answer to the end of a message, since only that says whether the server
    /// has it. See ``stopTimeout(responseTimeout:)`` for workers under a supervisor.
    public func register(in worker: inout Worker) {
        worker.registerOthers(retry: retry, cancellationTimeout: patience) { try await run($0) }
    }

    /// Lets a worker deliver the mails that are written for jobs of this name: ``run(_:write:)``.
    public func register(named name: String, in worker: inout Worker, write: @escaping Writer) {
        worker.register(named: name, retry: retry, cancellationTimeout: patience) { try await run($0, write: write) }
    }

    private var patience: Duration { Self.stopTimeout(responseTimeout: transport.server.responseTimeout) }

    /// How long a delivery may take to end once its task is cancelled: as long as the server may take for its last answer. A
    /// process that is killed before may send that mail twice. So a `Supervisor` needs a grace period of this and of the worker's
    /// own together.
    ///
    /// - Parameter responseTimeout: That of the ``SMTPServer``.
    public static func stopTimeout(responseTimeout: Duration) -> Duration { responseTimeout + .seconds(5) }

    /// Delivers the mail of a job. Returns if it is done. If the server has taken the mail for some recipients only, the others
    /// get jobs of their own when the worker acknowledges this one, whatever the handler does after that.
    public func run(_ context: JobContext) async throws {
        let mails: [OutgoingMail]
        do {
            mails = try OutgoingMail.all(of: context)
        } catch {
            throw JobVerdict.bury("the mail cannot be sent: \(error)")
        }
        try await deliver(mails, context)
    }

    /// Writes the mail of a job; `nil`: there is nothing to send.
    public typealias Writer = @Sendable (JobContext) async throws -> MailMessage?

    /// Delivers a mail that is written now, at the last moment, from the data as they are now.
    ///
    /// The server's answers mean the same as for ``run(_:)``. Each attempt writes the mail anew, with the same
    /// `Message-ID`. It is not written while the server is known to be dead.
    ///
    /// - Parameter write: Its errors are those of a handler. With `nil` the job is done. A message that cannot be sent
    ///   as it is, because a field has something that is not allowed, buries the job.
    public func run(_ context: JobContext, write: Writer) async throws {
        if let time = transport.health.waitingTime() { throw JobVerdict.release(after: time) }
        guard let message = try await write(context) else { return }
        let mails: [OutgoingMail]
        do {
            mails = try OutgoingMail.all(of: message, writtenFor: context)
        } catch {
            throw JobVerdict.bury("the mail cannot be sent: \(error)")
        }
        try await deliver(mails, context)
    }

    private func deliver(_ mails: [OutgoingMail], _ context: JobContext) async throws {
        guard mails.count == 1 else {
            do {
                try MailMessage.check(copies: mails.count, bytes: mails.first?.bytes.count ?? 0)
            } catch {
                throw JobVerdict.bury("the mail cannot be sent: \(error)")
            }
            // Each gets its own bounce address, so each is a job of its own.
            let group = try await group(of: context)
            context.settlement.finish(leaving: try followUps(mails, of: context, group: group))
            return
        }
        try await deliver(mails[0], context)
    }

    private func deliver(_ mail: OutgoingMail, _ context: JobContext) async throws {
        if let time = transport.health.waitingTime() { throw JobVerdict.release(after: time) }
        // For the job of those recipients whom the server refuses. It is read first: once the server has the mail, a failure of
        // the store would send it again.
        let group = mail.envelope.recipients.count > 1 ? try await group(of: context) : nil
        do {
            let receipt = try await transport.send(mail.bytes, mail.envelope)
            transport.health.works()
            guard !receipt.refusals.isEmpty else { return }
            try goOn(with: receipt.refusals, of: mail, context, group: group)
        } catch let failure as SMTPFailure {
            switch failure.kind {
            case .unreachable where failure.isAtMail && transport.health.blames(context.id):
                // Without an attempt it would hold back all others, again and again.
                throw SMTPFailure(
                    .temporary, "the mail server does not take this mail now, though it is there: \(failure)",
                    reply: failure.reply)
            case .unreachable:
                let time = transport.health.fails()
                whenUnreachable(failure)
                throw JobVerdict.release(after: time)
            case .cancelled: throw CancellationError()
            case .temporary, .permanent, .outcomeUnknown: transport.health.works()
            }
            let kinds = Set(failure.refusals.map(\.reply.isPermanent))
            if kinds.count == 2 { return try goOn(with: failure.refusals, of: mail, context, group: group) }
            if failure.kind == .permanent { throw JobVerdict.bury(failure.description) }
            throw failure
        }
    }

    /// Recipients who were refused become jobs of their own: one for temporary refusals and one for permanent ones. The server
    /// is asked again for each, and its answer decides. The others never get the message twice for this.
    private func goOn(
        with refusals: [SMTPRefusal], of mail: OutgoingMail, _ context: JobContext, group: String?
    ) throws {
        let later = refusals.filter { !$0.reply.isPermanent }.map(\.recipient)
        let never = refusals.filter(\.reply.isPermanent).map(\.recipient)
        context.logger.warning(
            "the mail server has refused some recipients; each kind goes on as a job of its own",
            metadata: ["refusals": "\(refusals.prefix(3).map { "\($0.recipient.address): \($0.reply)" })"])
        let delay = retry.delay(afterAttempt: context.attempt)
        var jobs: [NewJob] = []
        for (recipients, delay) in [(never, Duration.zero), (later, delay)] where !recipients.isEmpty {
            var rest = mail
            rest.envelope.recipients = recipients
            jobs += try followUps([rest], of: context, group: group, after: delay)
        }
        // The worker tries to settle it until the store takes it or the lease is lost, as for any job that is done.
        context.settlement.finish(leaving: jobs)
    }

    /// The group of a job, for those that follow it.
    ///
    /// - Throws: ``StintCore/JobVerdict`` to release the job if the store cannot be read now.
    private func group(of context: JobContext) async throws -> String? {
        do {
            return try await context.store.job(context.id)?.record.group
        } catch let error as StintError where Self.mayPass.contains(error.code) {
            context.logger.warning(
                "the job's group cannot be read, so its mail is not sent yet", metadata: ["error": "\(error)"])
            throw JobVerdict.release(after: Backoff.store.delay(after: 1))
        }
    }

    /// Failures of the store that may pass.
    private static let mayPass: Set<StintError.Code> = [
        .databaseBusy, .databaseUnusable, .storageFailed, .outcomeUnknown,
    ]

    private func followUps(
        _ mails: [OutgoingMail], of context: JobContext, group: String?, after delay: Duration = .zero
    ) throws -> [NewJob] {
        try mails.map { mail in
            var options = JobOptions(
                priority: context.job.priority, delay: delay, maxAttempts: context.maxAttempts,
                timeToRun: context.job.timeToRun, headers: context.headers, group: group,
                expires: context.job.expiresAt.map { .seconds(max(1, $0.timeIntervalSinceNow)) })
            options.headers = Headers()
            for (name, value) in context.headers where name != Headers.jobName {
                try options.headers.set(name, to: value)
            }
            try mail.envelope.write(to: &options.headers)
            return try NewJob(
                mail.bytes, in: context.queue, contentType: Self.messageContentType, options: options)
        }
    }
}
