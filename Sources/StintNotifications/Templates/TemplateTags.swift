/// The tags of a template: those that name other templates, and the categories of plurals that it has words for.
struct TemplateTags: Sendable {
    private(set) var partials: Set<String> = []
    private(set) var categories: Set<PluralCategory> = []
    /// Tags that templates of notifications may not have, with the reason.
    private(set) var refused: [String] = []

    init(_ text: String) {
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { return }
            take(rest[..<close.lowerBound])
            rest = rest[close.upperBound...]
        }
    }

    private mutating func take(_ tag: Substring) {
        func name(_ text: Substring) -> String { String(text.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }) }
        switch tag.first {
        case ">", "<":
            let name = name(tag.dropFirst())
            if name.hasPrefix("*") {
                refused.append("{{\(tag)}} names a template by a value: write the template's name")
            } else {
                partials.insert(name)
            }
        case "#":
            if let category = PluralCategory(rawValue: name(tag.dropFirst())) { categories.insert(category) }
        case "=": refused.append("{{\(tag)}} changes the delimiters: keep {{ and }}")
        case "%": refused.append("{{\(tag)}} is set by Stint: remove it")
        default: break
        }
    }

    mutating func add(_ others: TemplateTags) { categories.formUnion(others.categories) }
}
