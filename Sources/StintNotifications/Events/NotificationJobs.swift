import StintCore

/// The next page of an event's fan-out.
struct FanOutPage: JobParameters {
    static let jobName = "notification-fan-out"

    var event: NotificationEvent
    /// The last member of the page before.
    var after: String
    /// The number of this page, from 2.
    var page: Int
}

/// An event for one member: the payload of a job of its own, or of one event of a digest.
struct MemberEvent: Codable, Sendable, Hashable {
    /// The name of jobs that are for one event.
    static let singleName = "notification"
    /// The name of jobs that are digests.
    static let digestName = "notification-digest"

    var member: String
    var event: NotificationEvent
}
