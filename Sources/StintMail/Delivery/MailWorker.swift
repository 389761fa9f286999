import Logging
import ServiceLifecycle
import StintCore
import StintWorker

/// Delivers the mails of a queue by SMTP: a worker whose handler is ``MailDelivery``.
///
///     let transport = SMTPTransport(try SMTPServer("smtps://shop@mail.example.org", passwordFile: "/etc/shop/smtp"))
///     let worker = MailWorker(queue, queues: ["mail"], transport: transport, concurrency: 8)
///     try await ServiceGroup(
///         services: [worker, Reaper(queue)], gracefulShutdownSignals: [.sigterm], logger: logger
///     ).run()
///
/// **A dead server holds the queue back.** When the server cannot be used (no connection, no TLS, refused credentials),
/// the jobs that found that are released without using up an attempt, and this process claims no more. It then tries
/// the server by itself, without a job, after 1 s and growing delays up to a minute, and goes on when it works.
/// Meanwhile it holds no lease, so nothing is lost or blamed if it is killed; the next process finds the same with one
/// claim.
public struct MailWorker: Service {
    private let queues: [QueueName]
    private let transport: SMTPTransport
    private let logger: Logger
    private let retry: RetryPolicy
    private let makeWorker: @Sendable () -> Worker
    /// Those that write the mails of jobs which are no mails themselves, by the names of the jobs.
    var writers: [(name: String, write: MailDelivery.Writer)] = []

    /// - Parameters:
    ///   - concurrency: How many mails are sent at once, each over a connection of its own. No more than the transport has
    ///     connections, and the server allows.
    ///   - retry: When a mail that the server refused for now is sent again. The smaller of its `maxAttempts` and the job's own
    ///     counts.
    public init(
        _ queue: JobQueue<some JobStore>, queues: [QueueName] = ["mail"], transport: SMTPTransport,
        concurrency: Int = 4,
        options: Worker.Options = Worker.Options(), retry: RetryPolicy = MailDelivery.retry,
        logger: Logger = Logger(label: "stint.mail")
    ) {
        self.queues = queues
        self.transport = transport
        self.logger = logger
        self.retry = retry
        makeWorker = {
            Worker(queue, queues: queues, concurrency: concurrency, options: options, logger: logger)
        }
    }

    /// Works until graceful shutdown or cancellation, or until the queues are empty (with `drains`).
    ///
    /// - Throws: ``StintError`` as ``Worker/run()`` does.
    public func run() async throws {
        while let failure = try await workUntilUnreachable() {
            guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
            logger.error(
                "the queue is held back until the mail server can be used again",
                metadata: ["queues": "\(queues)", "error": "\(failure)"])
            guard await waitForServer() else { return }
            logger.info("the mail server can be used again", metadata: ["queues": "\(queues)"])
        }
    }

    /// - Returns: Why the server cannot be used; `nil` if the worker has ended for another reason.
    private func workUntilUnreachable() async throws -> SMTPFailure? {
        let (failures, continuation) = AsyncStream.makeStream(
            of: SMTPFailure.self, bufferingPolicy: .bufferingOldest(1))
        var delivery = MailDelivery(transport, retry: retry)
        delivery.whenUnreachable = { continuation.yield($0) }
        var worker = makeWorker()
        delivery.register(in: &worker)
        for (name, write) in writers { delivery.register(named: name, in: &worker, write: write) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)], logger: logger
            ))
        let watch = Task {
            for await failure in failures {
                await group.triggerGracefulShutdown()
                return failure as SMTPFailure?
            }
            return nil
        }
        defer { continuation.finish() }
        try await withGracefulShutdownHandler {
            try await group.run()
        } onGracefulShutdown: {
            Task { await group.triggerGracefulShutdown() }
        }
        continuation.finish()
        return await watch.value
    }

    private func pause(_ time: Duration) async {
        do { try await Task.sleep(for: time) } catch { logger.debug("the mail worker is to end") }
    }

    /// - Returns: Whether the server can be used; `false` if this is to end.
    private func waitForServer() async -> Bool {
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            if let time = transport.health.waitingTime() {
                _ = await cancelWhenGracefulShutdown { await pause(time) }
                continue
            }
            do {
                _ = try await cancelWhenGracefulShutdown { try await transport.check() }
                transport.health.isThere()
                return true
            } catch {
                let time = transport.health.fails()
                logger.debug(
                    "the mail server still cannot be used", metadata: ["error": "\(error)", "after": "\(time)"])
            }
        }
        return false
    }
}
