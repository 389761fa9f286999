/// `@handle` in texts.
enum Mentions {
    /// Further names in one text are not told.
    static let most = 20

    /// The handles that a text names, each once, in their order. An address such as `ada@example.org` names no one.
    static func handles(in text: String) -> [String] {
        var found: [String] = []
        var previous: Unicode.Scalar = " "
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "@", !isPart(previous) {
                let name = String(String.UnicodeScalarView(rest.prefix { isPart($0) })).lowercased()
                if !name.isEmpty, !found.contains(name), found.count < most { found.append(name) }
            }
            previous = scalar
        }
        return found
    }

    private static func isPart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_")
    }
}
