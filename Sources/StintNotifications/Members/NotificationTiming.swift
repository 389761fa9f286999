/// When a member wants to be told of events of a kind in a place.
///
/// Hours are of the member's time zone. One outside of 0 to 23 counts as 8; a weekday outside of 1 to 7 counts as 1.
public enum NotificationTiming: Sendable, Hashable, Codable {
    case nothing
    case atOnce
    /// One mail at each full hour in which there was something.
    case hourly
    case daily(hour: Int)
    /// - Parameter weekday: 1 is Monday and 7 is Sunday, as in ISO 8601.
    case weekly(weekday: Int, hour: Int)

    /// Whether events are collected.
    var isDigest: Bool { period != nil }

    /// The name of the digest: a member has one of each.
    var period: String? {
        switch self {
        case .nothing, .atOnce: nil
        case .hourly: "hourly"
        case .daily: "daily"
        case .weekly: "weekly"
        }
    }

    /// When digests start, in the notation of crontab(5).
    var cron: String? {
        func valid(_ hour: Int) -> Int { (0...23).contains(hour) ? hour : 8 }
        switch self {
        case .nothing, .atOnce: return nil
        case .hourly: return "0 * * * *"
        case .daily(let hour): return "0 \(valid(hour)) * * *"
        case .weekly(let weekday, let hour):
            return "0 \(valid(hour)) * * \((1...7).contains(weekday) ? weekday : 1)"
        }
    }
}

/// The hours in which a member gets no mails at once: they come when it ends. Both are hours of the member's time zone;
/// the same twice is none. Digests are not held back by it, since their hours are the member's choice.
public struct QuietHours: Sendable, Hashable, Codable {
    /// The first quiet hour, 0 to 23.
    public var from: Int
    /// The first hour that is not quiet, 0 to 23.
    public var to: Int

    public init(from: Int, to: Int) {
        self.from = from
        self.to = to
    }
}
