import Crypto
import StintCore
import StintPlatform

/// A page at one moment, in two parts: the texts of its elements with `data-live`, by name, and all the rest.
struct LivePage: Sendable {
    let version: Int
    let values: [String: String]
    /// The page's main part as it is.
    let html: String
    /// The same without the values, and without the times, which a browser counts by itself.
    private let rest: [UInt8]

    init(_ html: String, version: Int) {
        self.version = version
        self.html = html
        var (values, rest) = ([String: String](), [UInt8]())
        // By bytes: by characters it would take longer than all else.
        var left = Array(html.utf8)[...]
        rest.reserveCapacity(left.count)
        while let mark = Self.first(Self.valueMark, in: left) {
            rest += left[..<mark.lowerBound]
            left = left[mark.upperBound...]
            guard let nameEnd = left.firstIndex(of: UInt8(ascii: "\"")),
                let start = left[nameEnd...].firstIndex(of: UInt8(ascii: ">")),
                let end = left[start...].firstIndex(of: UInt8(ascii: "<"))
            else { break }
            values[Self.plain(left[..<nameEnd])] = Self.plain(left[(start + 1)..<end])
            rest.append(UInt8(ascii: "#"))
            rest += left[..<nameEnd]
            left = left[end...]
        }
        self.values = values
        self.rest = Self.withoutTimes((rest + left)[...])
    }

    /// Names all but the values: a browser that has a page of the same structure needs only those.
    var structure: String { HexText.text(SHA256.hash(data: rest).prefix(8)) }

    func differs(from other: LivePage?) -> Bool {
        guard let other else { return true }
        return rest != other.rest || values != other.values
    }

    /// What a reader needs who has a page of this structure; `nil`: not known.
    func update(structure: String?) -> Update {
        structure == self.structure ? Update(values: values, html: nil) : Update(values: [:], html: html)
    }

    /// What a reader needs who has seen `old`.
    func update(after old: LivePage) -> Update {
        if rest != old.rest { return Update(values: [:], html: html) }
        return Update(values: values.filter { old.values[$0.key] != $0.value }, html: nil)
    }

    struct Update: Encodable, Sendable {
        let values: [String: String]
        /// Instead of all that is there; `nil`: only the values have changed.
        var html: String?
    }

    private static let valueMark = Array(" data-live=\"".utf8)
    private static let timeMark = Array("<time ".utf8)
    private static let timeEnd = Array("</time>".utf8)

    private static func first(_ mark: [UInt8], in bytes: ArraySlice<UInt8>) -> Range<Int>? {
        var place = bytes.startIndex
        while let start = bytes[place...].firstIndex(of: mark[0]) {
            if bytes[start...].starts(with: mark) { return start..<(start + mark.count) }
            place = start + 1
        }
        return nil
    }

    private static func withoutTimes(_ html: ArraySlice<UInt8>) -> [UInt8] {
        var (rest, left) = ([UInt8](), html)
        rest.reserveCapacity(html.count)
        while let mark = first(timeMark, in: left) {
            rest += left[..<mark.upperBound]
            left = left[mark.upperBound...]
            guard let start = left.firstIndex(of: UInt8(ascii: ">")), let end = first(timeEnd, in: left[start...])
            else { break }
            rest += left[..<start]
            left = left[end.lowerBound...]
        }
        return rest + left
    }

    private static func plain(_ bytes: ArraySlice<UInt8>) -> String {
        let html = String(decoding: bytes, as: UTF8.self)
        guard bytes.contains(UInt8(ascii: "&")) else { return html }
        return html.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&#39;", with: "'").replacing("&#96;", with: "`").replacing("&amp;", with: "&")
    }
}
