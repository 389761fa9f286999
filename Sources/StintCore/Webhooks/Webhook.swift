/// A receiver that is told of events, by a request for each. A value of this type is valid.
public struct Webhook: Sendable, Hashable {
    /// In which form it is told.
    public enum Template: String, Sendable, Hashable, CaseIterable {
        /// The fields of the event; see docs/webhooks.md.
        case json
        /// `{"text": …}`, as Slack and those like it expect.
        case slack
    }

    /// The queue of the messages. No webhook tells of its jobs.
    public static let queue: QueueName = "stint.webhooks"
    /// The most webhooks of a store.
    public static let maximumCount = 100
    /// Of a new queue of messages. Its jobs are kept when they are over, so that a person finds what became of a message, and
    /// one receiver that does not answer gets only some of the workers. A person may change both.
    public static var queueSettings: QueueSettings {
        var settings = QueueSettings(groupConcurrency: .to(2))
        settings.retention = .seconds(3 * 86_400)
        return settings
    }
    /// A message that could not be sent for so long is of no use any more.
    static let expires: Duration = .seconds(86_400)

    /// 1 to 200 bytes, under the rules of queue names.
    public let name: String
    public let url: WebhookURL
    /// Each once, in the order of their texts.
    public let events: [WebhookEvent]
    public let template: Template
    /// Whether it may be sent to addresses of this machine and of private networks.
    public let allowsPrivate: Bool
    public private(set) var secret: WebhookSecret

    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init(
        _ name: String, url: String, events: [String], template: Template = .json, allowsPrivate: Bool = false,
        secret: WebhookSecret = WebhookSecret()
    ) throws {
        do {
            _ = try QueueName(name)
        } catch let error as StintError {
            throw StintError.invalidInput(error.description.replacing("queue name", with: "webhook's name"))
        }
        self.name = name
        self.url = try WebhookURL(url)
        // A name is checked when it is looked up, at each delivery.
        let host = self.url.host
        let literal =
            self.url.literal
            ?? (host == "localhost" || host.hasSuffix(".localhost") ? WebhookAddress("127.0.0.1") : nil)
        if let refusal = literal?.refusal(allowsPrivate: allowsPrivate) {
            throw StintError.invalidInput("the webhook's address is refused: \(refusal)")
        }
        let events = try events.map { try WebhookEvent($0) }
        var byText: [String: WebhookEvent] = [:]
        for event in events { byText[event.description] = event }
        self.events = byText.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map(\.value)
        guard (1...WebhookEvent.maximumCount).contains(self.events.count) else {
            throw StintError.invalidInput(
                "the webhook has \(self.events.count) events; it must have 1 to \(WebhookEvent.maximumCount), such as "
                    + "buried")
        }
        self.template = template
        self.allowsPrivate = allowsPrivate
        self.secret = secret
    }

    /// The same with another secret.
    public func with(_ secret: WebhookSecret) -> Webhook {
        var webhook = self
        webhook.secret = secret
        return webhook
    }
}

/// What setting a webhook has done.
public enum WebhookSetting: Sendable, Hashable {
    case added
    /// There was one of this name with other contents.
    case replaced
    /// There was one with the same contents.
    case unchanged
}

/// What came of sending one message, of one attempt.
public struct WebhookDelivery: Sendable, Hashable {
    public let job: JobID
    /// In milliseconds since 1970, UTC.
    public let atMilliseconds: Timestamp
    /// What the receiver has answered; `nil`: nothing.
    public let status: Int?
    /// `nil`: the receiver has taken it.
    public let error: String?

    public init(job: JobID, atMilliseconds: Timestamp, status: Int?, error: String?) {
        self.job = job
        self.atMilliseconds = atMilliseconds
        self.status = status
        self.error = error
    }
}

/// Everything about one webhook except its secret, for people and tools.
public struct WebhookRecord: Sendable, Hashable {
    public let name: String
    public let url: String
    /// Of the URL what everybody may see.
    public var origin: String { (try? WebhookURL(url).origin) ?? "?" }
    public let events: [String]
    public let template: String
    public let allowsPrivate: Bool
    /// Why nothing is sent, for example because another program has written its row; `nil`: it is.
    public let problem: String?
    /// How many messages the receiver has taken.
    public let delivered: Int
    /// How many attempts to send one have failed.
    public let failed: Int
    public let lastDelivery: WebhookDelivery?

    public init(
        name: String, url: String, events: [String], template: String, allowsPrivate: Bool, problem: String?,
        delivered: Int, failed: Int, lastDelivery: WebhookDelivery?
    ) {
        self.name = name
        self.url = url
        self.events = events
        self.template = template
        self.allowsPrivate = allowsPrivate
        self.problem = problem
        self.delivered = delivered
        self.failed = failed
        self.lastDelivery = lastDelivery
    }

    public init(_ webhook: Webhook, delivered: Int, failed: Int, lastDelivery: WebhookDelivery?) {
        self.init(
            name: webhook.name, url: webhook.url.description, events: webhook.events.map(\.description),
            template: webhook.template.rawValue, allowsPrivate: webhook.allowsPrivate, problem: nil,
            delivered: delivered, failed: failed, lastDelivery: lastDelivery)
    }
}
