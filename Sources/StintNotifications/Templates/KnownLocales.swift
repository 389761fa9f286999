import Foundation

/// The locales, and the formats of a locale and a time zone, that were needed so far, by their names.
final class KnownLocales: Sendable {
    /// The most names of each kind that are kept, and the longest, in bytes: they are as members have entered them.
    private static let maximumNames = 1_000
    private static let longestName = 100

    private struct Key: Hashable {
        var locale: String
        var zone: String
    }

    private let hours = LocalHours()
    private let tags = BoundedCache<String, LocaleTag?>(limit: maximumNames)
    private let formats = BoundedCache<Key, LocaleFormats>(limit: maximumNames)

    /// `nil` if it is no locale's name.
    func tag(_ name: String) -> LocaleTag? {
        guard name.utf8.count <= Self.longestName else { return LocaleTag(name) }
        return tags.value(of: name) { LocaleTag(name) }
    }

    /// - Parameter timeZone: The name of a time zone; UTC if the system has none of this name.
    func formats(locale: String, timeZone: String) -> LocaleFormats {
        let timeZone = hours.zone(timeZone)
        func new() -> LocaleFormats {
            LocaleFormats(locale: locale, timeZone: TimeZone(identifier: timeZone) ?? .gmt)
        }
        guard locale.utf8.count <= Self.longestName else { return new() }
        return formats.value(of: Key(locale: locale, zone: timeZone), orMake: new)
    }
}
