import Foundation

/// How values are written in a locale and a time zone. Texts are kept, since the mails of one event show the same dates.
final class LocaleFormats: Sendable {
    /// The most texts of each kind that are kept.
    private static let maximumTexts = 200

    /// How a date is shown.
    enum DateStyle: Hashable { case short, date, time, long }

    private struct DateKey: Hashable {
        var date: Date
        var style: DateStyle
    }

    private let locale: Locale
    private let timeZone: TimeZone
    private let plurals: PluralRules
    private let dates = BoundedCache<DateKey, String>(limit: maximumTexts)
    private let numbers = BoundedCache<Int, (text: String, category: PluralCategory)>(limit: maximumTexts)

    init(locale: String, timeZone: TimeZone) {
        self.locale = Locale(identifier: locale)
        self.timeZone = timeZone
        plurals = PluralRules.of(locale)
    }

    func number(_ number: Int) -> (text: String, category: PluralCategory) {
        numbers.value(of: number) {
            (text: number.formatted(.number.locale(locale)), category: plurals.category(of: number))
        }
    }

    func text(_ date: Date, _ style: DateStyle) -> String {
        // Foundation ends the process at dates far beyond the year 9999.
        guard NotificationEvent.dates.contains(date.timeIntervalSince1970) else { return "" }
        return dates.value(of: DateKey(date: date, style: style)) { newText(date, style) }
    }

    private func newText(_ date: Date, _ style: DateStyle) -> String {
        let styles: (date: Date.FormatStyle.DateStyle, time: Date.FormatStyle.TimeStyle) =
            switch style {
            case .short: (.abbreviated, .shortened)
            case .date: (.abbreviated, .omitted)
            case .time: (.omitted, .shortened)
            case .long: (.complete, .shortened)
            }
        return date.formatted(
            Date.FormatStyle(
                date: styles.date, time: styles.time, locale: locale, calendar: Calendar(identifier: .gregorian),
                timeZone: timeZone))
    }
}
