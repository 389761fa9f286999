/// Finds the links of a mail.
enum MailLinks {
    /// The most links that are found.
    static let maximumCount = 200
    /// The most bytes of a link. A longer one is left out.
    static let maximumBytes = 2_000

    static func links(html: String?, text: String?) -> [String] {
        var links: [String] = []
        var known: Set<String> = []
        func add(_ link: String) {
            guard !link.isEmpty, links.count < maximumCount, known.insert(link).inserted else { return }
            links.append(link)
        }
        if let html { references(in: Array(html.utf8)).forEach(add) }
        if let text { addresses(in: Array(text.utf8)).forEach(add) }
        return links
    }

    /// The values of `href`.
    private static func references(in html: [UInt8]) -> [String] {
        var found: [String] = []
        var place = 0
        while found.count < maximumCount * 2, let start = next("href", in: html, from: place) {
            place = start
            var index = skipSpace(html, from: start)
            guard index < html.count, html[index] == UInt8(ascii: "=") else { continue }
            index = skipSpace(html, from: index + 1)
            guard index < html.count else { break }
            let quote = html[index]
            let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
            if isQuoted { index += 1 }
            let rest = html[index...].prefix(maximumBytes + 1)
            let end = rest.firstIndex { isQuoted ? $0 == quote : $0 <= 0x20 || $0 == UInt8(ascii: ">") }
            place = end ?? index
            guard let end else { continue }
            let link = String(decoding: html[index..<end], as: UTF8.self).trimming()
            found.append(unescaped(link))
        }
        return found
    }

    /// The web addresses within a text.
    private static func addresses(in text: [UInt8]) -> [String] {
        var found: [String] = []
        var place = 0
        while found.count < maximumCount * 2, let start = next("http", in: text, from: place) {
            place = start
            var index = start
            if index < text.count, text[index] | 0x20 == UInt8(ascii: "s") { index += 1 }
            guard text[index...].starts(with: "://".utf8) else { continue }
            let rest = text[(index + 3)...].prefix(maximumBytes + 1)
            let end = rest.firstIndex { $0 <= 0x20 || "<>\"'`{}|\\^".utf8.contains($0) } ?? rest.endIndex
            place = end
            guard end - index <= maximumBytes else { continue }
            var link = text[(start - 4)..<end]
            while let last = link.last, ".,;:!?)]*_".utf8.contains(last) { link.removeLast() }
            if link.endIndex > index + 3 { found.append(String(decoding: link, as: UTF8.self)) }
        }
        return found
    }

    /// - Parameter word: In small letters.
    /// - Returns: The place after it, in any case of letters.
    private static func next(_ word: StaticString, in bytes: [UInt8], from start: Int) -> Int? {
        let count = word.utf8CodeUnitCount
        guard bytes.count >= count, start <= bytes.count - count else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            let word = UnsafeBufferPointer(start: word.utf8Start, count: count)
            for place in start...(bytes.count - count)
            where bytes[place] | 0x20 == word[0] && (1..<count).allSatisfy({ bytes[place + $0] | 0x20 == word[$0] }) {
                return place + count
            }
            return nil
        }
    }

    private static func skipSpace(_ bytes: [UInt8], from start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
        return index
    }

    private static func unescaped(_ link: String) -> String {
        link.utf8.contains(UInt8(ascii: "&"))
            ? link.replacing("&#38;", with: "&").replacing("&amp;", with: "&") : link
    }
}

extension String {
    fileprivate func trimming() -> String {
        var bytes = Array(utf8)[...]
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
