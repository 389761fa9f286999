import StintMail

/// What the application knows: who subscribes to what, and what an event is about. Its calls come from workers, where there is
/// no session: for whom something is read is always an argument.
///
/// What it throws is a failure of the job, which is tried again.
public protocol NotificationSource: Sendable {
    /// A page of the members who might want to know of an event, in the order of their ids (any order, as long as it is
    /// the same each time): one query with `id > after ORDER BY id LIMIT limit`.
    ///
    /// The fan-out ends with an empty page. Who comes to subscribe meanwhile is told if the fan-out has not passed them
    /// yet.
    ///
    /// - Parameters:
    ///   - after: The id of the last member of the page before; `nil` for the first.
    func subscribers(
        of event: NotificationEvent, after: String?, limit: Int
    ) async throws -> [NotificationSubscriber]

    /// The member as they are now, when their mail is written; `nil` if they are no longer there: nothing is sent then.
    func recipient(_ member: String) async throws -> NotificationRecipient?

    /// When the recipient wants to be told of this event, as it is now. With `nothing`, nothing is sent.
    func timing(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationTiming

    /// What the event is about, for this recipient, as the data are now. Access is checked here, and only here.
    func content(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationContent

    /// The headers of the mail.
    ///
    /// - Parameter events: Those that it tells of, at least one.
    func headers(
        of events: [NotificationEvent], for recipient: NotificationRecipient, digest: NotificationDigest?
    ) async throws -> NotificationHeaders
}

/// A member who subscribes, as the fan-out needs them. Nothing in it needs to be valid: what is not gets a default, or
/// the member is left out.
public struct NotificationSubscriber: Sendable, Hashable {
    /// The longest id, in bytes.
    public static let maximumIDBytes = 200

    /// The member: unique, and what the pages go by.
    public var id: String
    /// The domain of their address: the job's group, so that limits of groups are limits of a provider.
    public var domain: String
    public var timing: NotificationTiming
    public var quiet: QuietHours?
    /// An IANA name, such as `Europe/Berlin`. One that is not known counts as UTC.
    public var timeZone: String

    public init(
        id: String, domain: String, timing: NotificationTiming, quiet: QuietHours? = nil, timeZone: String = "UTC"
    ) {
        self.id = id
        self.domain = domain
        self.timing = timing
        self.quiet = quiet
        self.timeZone = timeZone
    }
}

/// A member as they are when their mail is written.
public struct NotificationRecipient: Sendable, Hashable {
    public var id: String
    /// `ada@example.org`. With one that is not valid, nothing is sent.
    public var address: String
    public var name: String?
    /// Such as `pt-BR`. One that is not known counts as the default of the templates.
    public var locale: String
    /// An IANA name. One that is not known counts as UTC.
    public var timeZone: String
    public var quiet: QuietHours?

    public init(
        id: String, address: String, name: String? = nil, locale: String, timeZone: String = "UTC",
        quiet: QuietHours? = nil
    ) {
        self.id = id
        self.address = address
        self.name = name
        self.locale = locale
        self.timeZone = timeZone
        self.quiet = quiet
    }
}

/// What an event is about, for one recipient.
public enum NotificationContent: Sendable {
    /// The values of the templates.
    case visible([String: NotificationValue])
    /// It was deleted, or the recipient has left. Nothing is sent.
    case gone(String)
    /// It is there, and not for this recipient. Nothing is sent.
    case hidden(String)
    /// It cannot be shown, and somebody should see why: the job is buried with the reason. In a digest it is left out.
    case invalid(String)
}

/// What a digest is for.
public enum NotificationDigest: String, Sendable, Hashable {
    case hourly, daily, weekly
}

/// The headers of a notification.
public struct NotificationHeaders: Sendable, Hashable {
    public var from: MailAddress
    public var replyTo: [MailAddress] = []
    /// See ``StintMail/MailMessage/thread``.
    public var thread: String?
    /// The templates have its address as `unsubscribe`.
    public var unsubscribe: MailUnsubscribe?
    public var bounces: BounceAddress?
    public var further: [MailHeader] = []

    public init(from: MailAddress) {
        self.from = from
    }
}
