#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a webhook is told: the payload of a job of ``Webhook/queue``. The request's body is made from it when it is sent,
/// so that a secret or a URL is in no job.
public struct WebhookMessage: Codable, Sendable, Hashable {
    /// One of the jobs that it happened to.
    public struct Sample: Codable, Sendable, Hashable {
        public let job: Int64
        /// In milliseconds since 1970, UTC.
        public let at: Timestamp
        /// At most ``maximumReasonLength``.
        public let reason: String

        public init(job: JobID, at: Timestamp, reason: String) {
            self.job = job.rawValue
            self.at = at
            self.reason = String(reason.prefix(WebhookMessage.maximumReasonLength))
        }
    }

    /// One of the queues that it is about, if there are many.
    public struct QueueValue: Codable, Sendable, Hashable {
        public let queue: String
        public let value: Int64
    }

    public enum State: String, Codable, Sendable, Hashable {
        case raised, resolved
    }

    /// The most samples, and the most queues in one message.
    public static let maximumSamples = 10
    /// The longest reason of a sample, in characters.
    public static let maximumReasonLength = 300

    public var version = 1
    public let webhook: String
    public let event: WebhookEvent.Kind
    /// `nil`: single happenings were counted.
    public var state: State?
    /// `nil`: it is about the database, or about many queues; see ``queues``.
    public var queue: String?
    /// In milliseconds since 1970, UTC.
    public let at: Timestamp
    /// Of counted happenings: when the message before this one was made.
    public var since: Timestamp?
    /// Happenings, jobs, milliseconds or bytes, as ``event`` says.
    public var value: Int64?
    public var limit: Int64?
    /// Why a queue is paused, if a person said so.
    public var reason: String?
    public var samples: [Sample]?
    /// The first of them, by value.
    public var queues: [QueueValue]?
    /// How many they are.
    public var queueCount: Int?

    public init(webhook: String, event: WebhookEvent.Kind, at: Timestamp) {
        self.webhook = webhook
        self.event = event
        self.at = at
    }

    /// - Throws: The decoder's error, for example of a job that another program has enqueued.
    public init(payload: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(payload))
    }

    /// The job that sends it. Those of a webhook are a group, so that one that does not answer holds up no other.
    public func job() throws -> NewJob {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try NewJob(
            [UInt8](try encoder.encode(self)), in: Webhook.queue, contentType: ContentType.json,
            options: JobOptions(group: webhook, expires: Webhook.expires))
    }
}
