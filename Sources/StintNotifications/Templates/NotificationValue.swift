#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a template can show.
///
/// In a template, a date is `{{date}}`, or `{{date.date}}`, `{{date.time}}`, `{{date.long}}` for its parts; a number is
/// `{{count}}`, or a section with the plural's categories:
///
///     {{#comments}}{{#one}}{{count}} comment{{/one}}{{#other}}{{count}} comments{{/other}}{{/comments}}
public enum NotificationValue: Sendable, Hashable {
    case text(String)
    /// Shown as the locale writes it.
    case number(Int)
    case bool(Bool)
    /// Shown in the recipient's time zone, as the locale writes it.
    case date(Date)
    case list([NotificationValue])
    case object([String: NotificationValue])
    /// There is none: its section is left out.
    case null

    /// The most that the values of an event may have, in bytes of texts and names.
    public static let maximumBytes = 256 * 1_024
    /// How deep lists and objects may be in each other.
    public static let maximumDepth = 10

    /// The bytes of its texts and names; each value counts at least 8.
    ///
    /// - Returns: `nil` if it is deeper than ``maximumDepth``.
    func byteCount(depth: Int = 0) -> Int? {
        guard depth <= Self.maximumDepth else { return nil }
        switch self {
        case .text(let text): return text.utf8.count + 8
        case .number, .bool, .date, .null: return 8
        case .list(let values):
            return values.reduce(8) { sum, value in
                guard let sum, let bytes = value.byteCount(depth: depth + 1) else { return nil }
                return sum + bytes
            }
        case .object(let values):
            return values.reduce(8) { sum, entry in
                guard let sum, let bytes = entry.value.byteCount(depth: depth + 1) else { return nil }
                return sum + bytes + entry.key.utf8.count
            }
        }
    }
}

extension NotificationValue {
    /// Whether each date in it is within the years 1 to 9999.
    var hasOnlyKnownDates: Bool {
        switch self {
        case .date(let date): NotificationEvent.dates.contains(date.timeIntervalSince1970)
        case .list(let values): values.allSatisfy(\.hasOnlyKnownDates)
        case .object(let values): values.values.allSatisfy(\.hasOnlyKnownDates)
        case .text, .number, .bool, .null: true
        }
    }
}

extension NotificationValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: NotificationValue...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, NotificationValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
    public init(nilLiteral: ()) { self = .null }

    /// A text, or ``null``.
    public init(_ text: String?) { self = text.map(Self.text) ?? .null }
}

/// In JSON, for sample data: as JSON's own values, and a date as `{"$date": "2026-11-28T08:00:00Z"}`.
extension NotificationValue: Codable {
    private static let dateKey = "$date"

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([NotificationValue].self) {
            self = .list(list)
        } else {
            let object = try container.decode([String: NotificationValue].self)
            if object.count == 1, case .text(let text)? = object[Self.dateKey] {
                guard let date = try? Date(text, strategy: .iso8601) else {
                    throw DecodingError.dataCorruptedError(
                        in: container, debugDescription: "the date is none: write it as 2026-11-28T08:00:00Z")
                }
                self = .date(date)
            } else {
                self = .object(object)
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .bool(let bool): try container.encode(bool)
        case .date(let date): try container.encode([Self.dateKey: date.formatted(.iso8601)])
        case .list(let list): try container.encode(list)
        case .object(let object): try container.encode(object)
        case .null: try container.encodeNil()
        }
    }
}
