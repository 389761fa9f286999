import StintCore

/// A page at one moment, in two parts: the texts of its elements with `data-live`, by name, and all the rest.
struct LivePage: Sendable {
    let version: Int
    let values: [String: String]
    /// The page's main part as it is.
    let html: String
    /// The same without the values, and without the times, which a browser counts by itself.
    private let rest: String

    init(_ html: String, version: Int) {
        self.version = version
        self.html = html
        var (values, rest) = ([String: String](), "")
        var left = html[...]
        while let mark = left.firstRange(of: " data-live=\"") {
            rest += left[..<mark.lowerBound]
            left = left[mark.upperBound...]
            guard let nameEnd = left.firstIndex(of: "\""), let start = left[nameEnd...].firstIndex(of: ">"),
                let end = left[start...].firstIndex(of: "<")
            else { break }
            values[Self.plain(left[..<nameEnd])] = Self.plain(left[left.index(after: start)..<end])
            rest += "#" + left[..<nameEnd]
            left = left[end...]
        }
        self.values = values
        self.rest = Self.withoutTimes(rest + left)
    }

    func differs(from other: LivePage?) -> Bool {
        guard let other else { return true }
        return rest != other.rest || values != other.values
    }

    /// What a reader needs who has seen `old`.
    func update(after old: LivePage?) -> Update {
        guard let old else { return Update(values: values, html: nil) }
        if rest != old.rest { return Update(values: [:], html: html) }
        return Update(values: values.filter { old.values[$0.key] != $0.value }, html: nil)
    }

    struct Update: Encodable, Sendable {
        let values: [String: String]
        /// Instead of all that is there; `nil`: only the values have changed.
        var html: String?
    }

    private static func withoutTimes(_ html: String) -> String {
        var (rest, left) = ("", html[...])
        while let mark = left.firstRange(of: "<time ") {
            rest += left[..<mark.upperBound]
            left = left[mark.upperBound...]
            guard let start = left.firstIndex(of: ">"), let end = left[start...].firstRange(of: "</time>") else {
                break
            }
            rest += left[..<start]
            left = left[end.lowerBound...]
        }
        return rest + left
    }

    private static func plain(_ html: Substring) -> String {
        guard html.contains("&") else { return String(html) }
        return String(html).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&#39;", with: "'").replacing("&#96;", with: "`").replacing("&amp;", with: "&")
    }
}
