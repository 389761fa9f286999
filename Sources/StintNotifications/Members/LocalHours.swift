import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// When digests start and quiet hours end, by the clocks of members. The rules for the change to daylight saving are those of
/// schedules: an hour that is skipped comes right after the gap, and one that comes twice counts once.
///
/// The answers depend on the arguments and the system's time zone files alone. What was read of those is kept.
final class LocalHours: Sendable {
    /// The most pairs of a zone and a time of the day that are kept.
    private static let maximumRecurrences = 10_000

    private struct Key: Hashable {
        var cron: String
        var zone: String
    }
    private let recurrences = BoundedCache<Key, Schedule.Recurrence>(limit: maximumRecurrences)
    /// Whether the system has a zone of this name.
    private let zones = BoundedCache<String, Bool>(limit: maximumRecurrences)

    /// The zone of this name if the system has it, else UTC.
    func zone(_ name: String) -> String {
        guard (1...100).contains(name.utf8.count) else { return "UTC" }
        return zones.value(of: name) { recurrence("0 0 * * *", name) != nil } ? name : "UTC"
    }

    private func recurrence(_ cron: String, _ zone: String) -> Schedule.Recurrence? {
        // A zone without rules is no error here: the caller takes another.
        try? recurrences.value(of: Key(cron: cron, zone: zone)) {
            try Schedule.Recurrence.cron(cron, timeZone: zone)
        }
    }

    /// The first time after `now` at which this timing sends digests; `nil` for those that send none.
    func nextDigest(after now: Date, _ timing: NotificationTiming, zone: String) -> Date? {
        timing.cron.flatMap { recurrence($0, self.zone(zone))?.next(after: now) }
    }

    /// The end of the quiet hours that `now` is in; `nil` if it is in none.
    func endOfQuiet(at now: Date, _ quiet: QuietHours?, zone: String) -> Date? {
        guard let quiet, quiet.from != quiet.to, (0...23).contains(quiet.from), (0...23).contains(quiet.to) else {
            return nil
        }
        let zone = self.zone(zone)
        guard let start = recurrence("0 \(quiet.from) * * *", zone)?.next(after: now),
            let end = recurrence("0 \(quiet.to) * * *", zone)?.next(after: now)
        else { return nil }
        return end < start ? end : nil
    }
}
