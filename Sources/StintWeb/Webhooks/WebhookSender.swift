import Logging
import ServiceLifecycle
import StintCore
import StintWorker

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends the messages of webhooks: a worker of ``Webhook/queue``. It begins when there is a webhook. Any number of processes
/// may run one.
public struct WebhookSender: Service {
    /// The longest wait that a receiver may ask for by `Retry-After`.
    private static let longestWait = 3_600

    private let queue: JobQueue<AnyJobStore>
    private let logger: Logger
    var resolver = WebhookResolver()
    var poster = WebhookPoster()
    var retry = RetryPolicy.exponential()
    /// How often to look whether there is a webhook.
    var lookInterval: Duration = .seconds(2)

    public init(_ queue: JobQueue<some JobStore>, logger: Logger = Logger(label: "stint.webhooks")) {
        self.queue = JobQueue(store: AnyJobStore(queue.store, address: ""))
        self.logger = logger
    }

    public func run() async throws {
        while true {
            try await cancelWhenGracefulShutdown { try await waitForWebhook() }
            guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
            var options = Worker.Options()
            options.gracePeriod = .seconds(15)
            var worker = Worker(queue, queues: [Webhook.queue], concurrency: 8, options: options, logger: logger)
            worker.registerOthers(retry: retry) { try await send($0) }
            // It also returns if a person has ordered it to stop or to restart. The process has other things to do and
            // goes on; who wants no message sent pauses the queue.
            try await worker.run()
            try await cancelWhenGracefulShutdown { try await pause() }
        }
    }

    private func pause() async throws {
        do { try await Task.sleep(for: lookInterval) } catch is CancellationError { return }
    }

    private func waitForWebhook() async throws {
        while !Task.isCancelled {
            do {
                if try await !queue.webhooks().isEmpty { return }
            } catch {
                try queue.store.checkStillThere()
                logger.error("webhooks could not be read; trying again", metadata: ["error": "\(error)"])
            }
            try await pause()
        }
    }

    /// Sends the message of a job. Returns if the receiver has taken it.
    func send(_ context: JobContext) async throws {
        let message: WebhookMessage
        do {
            message = try WebhookMessage(payload: context.job.payload)
        } catch {
            throw JobVerdict.bury("it is no message of a webhook: only Stint puts jobs into this queue")
        }
        let webhook: Webhook?
        do {
            webhook = try await queue.webhook(named: message.webhook)
        } catch let error as StintError where error.code == .invalidInput {
            throw JobVerdict.bury(error.description)
        }
        // It was deleted meanwhile.
        guard let webhook else { return }
        let body = try WebhookBody.bytes(message, webhook.template)
        let now = Date()
        // Two databases have jobs of the same number.
        let id = "msg_\(context.id)_\(Int64(context.enqueuedAt.timeIntervalSince1970 * 1_000))"
        let headers = WebhookSignature.headers(
            id: id, time: Int64(now.timeIntervalSince1970), body: body, webhook.secret)
        var answer: WebhookPoster.Answer?
        var error: String?
        do {
            let addresses = try await resolver.addresses(of: webhook.url, allowsPrivate: webhook.allowsPrivate)
            answer = try await poster.post(body, to: webhook.url, at: addresses, headers: headers)
            error = answer.flatMap(Self.error)
        } catch let failure {
            error = "\(failure)"
        }
        await note(context, webhook, status: answer?.status, error: error)
        guard let error else { return }
        switch answer?.status {
        case 410?: throw JobVerdict.bury(error)
        case 429?, 503?:
            guard let wait = answer?.retryAfter, wait > 0 else { throw WebhookFailure(error) }
            throw JobVerdict.retry(after: .seconds(min(wait, Self.longestWait)), reason: error)
        default: throw WebhookFailure(error)
        }
    }

    /// `nil`: it has taken the message.
    private static func error(_ answer: WebhookPoster.Answer) -> String? {
        guard !(200..<300).contains(answer.status) else { return nil }
        let text = answer.text.isEmpty ? "" : ": \(answer.text)"
        let why =
            switch answer.status {
            case 410: ", so it wants no more of this"
            case 300..<400: ", and redirects are not followed: set the webhook's address to where it is"
            default: ""
            }
        return "the receiver has answered \(answer.status)\(why)\(text)"
    }

    private func note(_ context: JobContext, _ webhook: Webhook, status: Int?, error: String?) async {
        let delivery = WebhookDelivery(
            job: context.id, atMilliseconds: Int64(Date().timeIntervalSince1970 * 1_000), status: status,
            error: error.map { String($0.prefix(1_000)) })
        do {
            try await queue.store.noteDelivery(delivery, of: webhook.name)
        } catch {
            // The message is sent, and must not be sent again for this.
            logger.warning(
                "a delivery could not be noted", metadata: ["webhook": "\(webhook.name)", "error": "\(error)"])
        }
    }
}
