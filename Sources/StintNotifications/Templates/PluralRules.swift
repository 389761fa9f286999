import CICU

/// The categories of plurals: which of a language's forms a number takes, by ICU's rules.
enum PluralCategory: String, Sendable, CaseIterable {
    case zero, one, two, few, many, other
}

/// ICU's rules of a language. They depend on its name alone, and not on the locale of the process.
final class PluralRules: Sendable {
    /// Read only once it is made, and ICU allows that from several threads.
    nonisolated(unsafe) private let rules: UnsafeMutableRawPointer?

    private init(_ locale: String) { rules = cicu_plural_rules_open(locale) }

    deinit { if let rules { cicu_plural_rules_close(rules) } }

    private static let known = BoundedCache<String, PluralRules>(limit: 1_000)

    static func of(_ locale: String) -> PluralRules { known.value(of: locale) { PluralRules(locale) } }

    /// `other` for a language that has no rules.
    func category(of number: Int) -> PluralCategory {
        guard let rules else { return .other }
        let keyword = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16) { buffer -> String? in
            guard let keyword = buffer.baseAddress, cicu_plural_rules_select(rules, Double(number), keyword, 16) != 0
            else { return nil }
            return String(cString: keyword)
        }
        return keyword.flatMap(PluralCategory.init) ?? .other
    }

    /// The categories that whole numbers take, found with those that tell them apart in all known languages.
    var categories: Set<PluralCategory> {
        Set((0...200).map(category) + [1_000, 10_000, 100_000, 1_000_000, 2_000_000].map(category))
    }
}
