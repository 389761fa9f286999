import Foundation
import Synchronization

/// The locales, and the formats of a locale and a time zone, that were needed so far, by their names.
final class KnownLocales: Sendable {
    /// The most names of each kind that are kept, and the longest, in bytes: they are as members have entered them.
    private static let maximumNames = 1_000
    private static let longestName = 100

    private struct Key: Hashable {
        var locale: String
        var zone: String
    }

    private struct Known {
        var tags: [String: LocaleTag?] = [:]
        var formats: [Key: LocaleFormats] = [:]
    }

    private let hours = LocalHours()
    private let known = Mutex(Known())

    /// `nil` if it is no locale's name.
    func tag(_ name: String) -> LocaleTag? {
        if let tag = known.withLock({ $0.tags[name] }) { return tag }
        let new = LocaleTag(name)
        guard name.utf8.count <= Self.longestName else { return new }
        known.withLock { known in
            if known.tags.count >= Self.maximumNames { known.tags = [:] }
            known.tags[name] = .some(new)
        }
        return new
    }

    /// - Parameter timeZone: The name of a time zone; UTC if the system has none of this name.
    func formats(locale: String, timeZone: String) -> LocaleFormats {
        let timeZone = hours.zone(timeZone)
        let key = Key(locale: locale, zone: timeZone)
        if let formats = known.withLock({ $0.formats[key] }) { return formats }
        let new = LocaleFormats(locale: locale, timeZone: TimeZone(identifier: timeZone) ?? .gmt)
        guard locale.utf8.count <= Self.longestName else { return new }
        known.withLock { known in
            if known.formats.count >= Self.maximumNames { known.formats = [:] }
            known.formats[key] = new
        }
        return new
    }
}
