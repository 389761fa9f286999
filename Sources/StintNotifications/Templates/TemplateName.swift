import StintCore

/// What a template is for.
enum TemplatePart: String, Sendable, CaseIterable {
    case subject, html, text
}

/// The name of a template, as in `comment.posted.html`: its name, and its part.
struct TemplateName: Hashable, Sendable {
    /// The longest name, in bytes.
    static let maximumBytes = 200
    /// What a kind's name ends with for one event of a digest.
    static let itemSuffix = ".item"

    var name: String
    var part: TemplatePart

    /// - Parameter text: Without the locale and without `.mustache`. `nil` if it has no part's ending.
    init?(_ text: String) {
        guard let dot = text.lastIndex(of: "."),
            let part = TemplatePart(rawValue: String(text[text.index(after: dot)...]))
        else { return nil }
        name = String(text[..<dot])
        self.part = part
        guard Self.isKind(name) else { return nil }
    }

    static func isKind(_ text: String) -> Bool {
        (1...maximumBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F
            }
    }
}

/// A language, perhaps with a script and a country, as `pt-BR`.
struct LocaleTag: Hashable, Sendable, CustomStringConvertible {
    /// With `-`, in the case in which it was written.
    let description: String

    /// - Parameter text: `pt-BR`, `pt_BR` or `pt_BR.UTF-8`. `nil` if it is no locale's name.
    init?(_ text: String) {
        let tag = text.prefix { $0 != "." && $0 != "@" }
        guard (2...35).contains(tag.utf8.count),
            tag.utf8.allSatisfy({
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || $0 == 0x2D || $0 == 0x5F
            })
        else { return nil }
        let parts = tag.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "_" }
        guard parts.allSatisfy({ (1...8).contains($0.count) }), (2...3).contains(parts[0].count),
            parts[0].allSatisfy(\.isLetter)
        else { return nil }
        description = parts.joined(separator: "-")
    }

    var language: String { String(description.prefix { $0 != "-" }).lowercased() }
    /// What locales are compared by.
    var key: String { description.lowercased() }

    /// Itself, and what is more general: `zh-hant-tw`, `zh-hant`, `zh`.
    var fallbacks: [String] {
        var parts = key.split(separator: "-")
        var all: [String] = []
        while !parts.isEmpty {
            all.append(parts.joined(separator: "-"))
            parts.removeLast()
        }
        return all
    }
}
