import Foundation
import Mustache

/// One rendering of one template: how its values are written. For one thread.
final class Rendering {
    private let formats: LocaleFormats
    /// The categories that the template has words for.
    private let categories: Set<PluralCategory>

    /// The names that the template has and the values have not.
    private(set) var missing: Set<String> = []
    /// A name that an inner object does not have. If those around it are asked for it next, they decide.
    private var unanswered: String?

    init(_ formats: LocaleFormats, categories: Set<PluralCategory>) {
        self.formats = formats
        self.categories = categories
    }

    /// To be called at the end.
    func finish() {
        if let unanswered { missing.insert(unanswered) }
        unanswered = nil
    }

    func found(_ name: String) {
        if let unanswered, unanswered != name { missing.insert(unanswered) }
        unanswered = nil
    }

    func missed(_ name: String, isRoot: Bool) {
        if let unanswered, unanswered != name { missing.insert(unanswered) }
        unanswered = isRoot ? nil : name
        if isRoot { missing.insert(name) }
    }

    func view(_ value: NotificationValue) -> Any {
        switch value {
        case .text(let text): text.isEmpty ? NothingView() : TextView(text: text)
        case .number(let number): NumberView(number: number, rendering: self)
        case .bool(let bool): bool
        case .date(let date): DateView(date: date, rendering: self)
        case .list(let values): values.map(view)
        case .object(let values): ObjectView(values: values, rendering: self, isRoot: false)
        case .null: NothingView()
        }
    }

    fileprivate func text(_ number: Int) -> String { formats.number(number).text }

    /// The category whose words are shown: the number's, or `other` if the template has no words for that one.
    fileprivate func category(of number: Int) -> PluralCategory {
        let category = formats.number(number).category
        return categories.contains(category) ? category : .other
    }

    fileprivate func text(_ date: Date, _ style: LocaleFormats.DateStyle) -> String { formats.text(date, style) }
}

/// A value that is not there: empty, and its section is left out.
private struct NothingView: MustacheCustomRenderable {
    var renderText: String { "" }
    var isNull: Bool { true }
}

/// A text. For a plain string the library would ask Swift's runtime for what it could be otherwise, again for each tag.
private struct TextView: MustacheParent, MustacheCustomRenderable, MustacheTransformable {
    let text: String

    var renderText: String { text }
    var isNull: Bool { false }

    func child(named name: String) -> Any? { nil }
    func transform(_ name: String) -> Any? { text.transform(name) }
}

struct ObjectView: MustacheParent {
    let values: [String: NotificationValue]
    let rendering: Rendering
    let isRoot: Bool

    func child(named name: String) -> Any? {
        guard let value = values[name] else {
            rendering.missed(name, isRoot: isRoot)
            return nil
        }
        rendering.found(name)
        return rendering.view(value)
    }
}

private struct NumberView: MustacheParent, MustacheCustomRenderable {
    let number: Int
    let rendering: Rendering

    var renderText: String { rendering.text(number) }
    var isNull: Bool { false }

    func child(named name: String) -> Any? {
        if name == "count" {
            rendering.found(name)
            return renderText
        }
        guard let category = PluralCategory(rawValue: name) else {
            rendering.missed(name, isRoot: false)
            return nil
        }
        rendering.found(name)
        return rendering.category(of: number) == category
    }
}

private struct DateView: MustacheParent, MustacheCustomRenderable {
    let date: Date
    let rendering: Rendering

    var renderText: String { rendering.text(date, .short) }
    var isNull: Bool { false }

    func child(named name: String) -> Any? {
        let text: String
        switch name {
        case "date": text = rendering.text(date, .date)
        case "time": text = rendering.text(date, .time)
        case "long": text = rendering.text(date, .long)
        default:
            rendering.missed(name, isRoot: false)
            return nil
        }
        rendering.found(name)
        return text
    }
}

/// Escapes text for HTML, by scalars: the library's own goes by characters, and so leaves a quote that a combining mark
/// follows. Control characters become U+FFFD; marks of direction stay, which right-to-left languages need.
struct NotificationHTML: MustacheContentType {
    static let name = "STINT_NOTIFICATION"

    func escapeText(_ text: String) -> String { Self.escaped(text) }

    /// Whether a byte is not shown as it is.
    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"),
            UInt8(ascii: "`"), 0x7F:
            true
        case 0x09, 0x0A, 0x0D: false
        default: byte < 0x20
        }
    }

    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: isSpecial) else { return text }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): escaped += Array("&amp;".utf8)
            case UInt8(ascii: "<"): escaped += Array("&lt;".utf8)
            case UInt8(ascii: ">"): escaped += Array("&gt;".utf8)
            case UInt8(ascii: "\""): escaped += Array("&quot;".utf8)
            case UInt8(ascii: "'"): escaped += Array("&#39;".utf8)
            case UInt8(ascii: "`"): escaped += Array("&#96;".utf8)
            case 0x09, 0x0A, 0x0D: escaped.append(byte)
            case 0..<0x20, 0x7F: escaped += Array("\u{FFFD}".utf8)
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
