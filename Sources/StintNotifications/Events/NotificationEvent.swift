import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What has happened: who did what, to which object, where and when. It names things by their ids; their contents are
/// read when the mail is written.
///
/// The application enqueues it in the transaction that made it happen:
///
///     let event = try NotificationEvent(kind: "comment.posted", actor: "42", object: "comment 7", place: "group 3")
///     try queue.enqueue(event, in: "events", options: event.options, with: db)
public struct NotificationEvent: JobParameters, Hashable {
    public static let jobName = "notification-event"
    /// The longest id, kind, actor, object or place, in bytes.
    public static let maximumFieldBytes = 500

    /// Unique. An event that is enqueued twice within a day is sent once (``options``), and an event is once in a digest.
    public let id: String
    /// Names the templates: letters, digits, `.`, `_` and `-`, such as `comment.posted`.
    public let kind: String
    /// Who did it; `nil`: no member.
    public let actor: String?
    /// What it was done to.
    public let object: String
    /// Where: a group, a discussion. Members may prefer another timing there.
    public let place: String?
    /// When, in milliseconds of UTC.
    public let date: Date

    /// - Parameters:
    ///   - id: `nil`: a new one.
    ///   - date: `nil`: now.
    /// - Throws: ``StintCore/StintError`` with the code `invalidInput`.
    public init(
        id: String? = nil, kind: String, actor: String? = nil, object: String, place: String? = nil, date: Date? = nil
    ) throws {
        self.id = id ?? UUID().uuidString.lowercased()
        self.kind = kind
        self.actor = actor
        self.object = object
        self.place = place
        let milliseconds = ((date ?? Date()).timeIntervalSince1970 * 1_000).rounded(.down)
        self.date = Date(timeIntervalSince1970: milliseconds / 1_000)
        try check()
    }

    /// The options with which it is enqueued: its id is its idempotency key.
    public var options: JobOptions { JobOptions(idempotencyKey: id) }

    /// The years 1 to 9999, in seconds since 1970.
    static let dates: ClosedRange<TimeInterval> = -62_135_596_800...253_402_300_799.999

    private func check() throws {
        for (name, value) in [
            ("id", id), ("kind", kind), ("actor", actor ?? "-"), ("object", object), ("place", place ?? "-"),
        ] {
            guard (1...Self.maximumFieldBytes).contains(value.utf8.count), !value.utf8.contains(0) else {
                throw StintError.invalidInput(
                    "the \(name) of the event has \(value.utf8.count) bytes: it must have 1 to \(Self.maximumFieldBytes), "
                        + "and no NUL")
            }
        }
        guard Self.dates.contains(date.timeIntervalSince1970) else {
            throw StintError.invalidInput("the date of the event is not within the years 1 to 9999")
        }
        guard TemplateName.isKind(kind) else {
            throw StintError.invalidInput(
                "the kind of the event \(quoted(kind)) is not allowed: use letters, digits, '.', '_' and '-', as in "
                    + "comment.posted")
        }
    }

    private enum CodingKeys: CodingKey { case id, kind, actor, object, place, date }

    /// `date` is in milliseconds since 1970, UTC.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        kind = try container.decode(String.self, forKey: .kind)
        actor = try container.decodeIfPresent(String.self, forKey: .actor)
        object = try container.decode(String.self, forKey: .object)
        place = try container.decodeIfPresent(String.self, forKey: .place)
        date = Date(timeIntervalSince1970: TimeInterval(try container.decode(Int64.self, forKey: .date)) / 1_000)
        try check()
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(kind, forKey: .kind)
        try container.encodeIfPresent(actor, forKey: .actor)
        try container.encode(object, forKey: .object)
        try container.encodeIfPresent(place, forKey: .place)
        try container.encode(Int64((date.timeIntervalSince1970 * 1_000).rounded()), forKey: .date)
    }
}
