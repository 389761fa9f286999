/// Reads the tags and texts of HTML in one pass. Any bytes are HTML: what is no tag is text. It shows nothing and runs nothing.
package struct HTMLScanner {
    package enum Token {
        /// With its entities read.
        case text(String)
        /// The name and those attributes that readers need, in lower case.
        case open(String, [String: String])
        case close(String)
    }

    private let bytes: [UInt8]
    private let keepsUnclosedTags: Bool
    private var position = 0
    /// No tag ends any more, so that the rest is looked through once only.
    private var hasNoTagEnd = false

    /// - Parameter keepsUnclosedTags: Whether a tag that does not end is text. Otherwise the rest of the HTML is left out, as
    ///   browsers do.
    package init(_ html: String, keepsUnclosedTags: Bool = false) {
        bytes = Array(html.utf8)
        self.keepsUnclosedTags = keepsUnclosedTags
    }

    package mutating func next() -> Token? {
        while position < bytes.count {
            if bytes[position] != UInt8(ascii: "<") { return text() }
            if let token = tag() { return token }
        }
        return nil
    }

    /// Goes on behind the end of an element.
    package mutating func skip(to name: String) {
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "<"), starts(with: "</\(name)") {
                position = end(of: position) ?? bytes.count
                return
            }
            position += 1
        }
    }

    private mutating func text() -> Token {
        let start = position
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "<") { position += 1 }
        return .text(HTMLEntities.decoded(bytes[start..<position]))
    }

    private func starts(with text: String) -> Bool {
        let text = Array(text.utf8)
        guard position + text.count <= bytes.count else { return false }
        return zip(bytes[position...], text).allSatisfy { Self.lowered($0) == $1 }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte + 0x20 : byte }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(lowered(byte)) }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Behind the `>` of the tag that begins at `start`; `nil`: there is none. One in quotes does not count, unless the quotes
    /// do not end.
    private mutating func end(of start: Int) -> Int? {
        guard !hasNoTagEnd else { return nil }
        var quote: UInt8?
        var inQuotes: Int?
        for index in (start + 1)..<bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: ">") {
                if quote == nil { return index + 1 }
                inQuotes = inQuotes ?? index + 1
            } else if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"),
                bytes[index - 1] == UInt8(ascii: "=")
            {
                quote = byte
            }
        }
        if inQuotes == nil { hasNoTagEnd = true }
        return inQuotes
    }

    /// - Returns: `nil` for a comment and the like.
    private mutating func tag() -> Token? {
        let start = position
        if starts(with: "<!--") {
            position += 4
            while position < bytes.count, !starts(with: "-->") { position += 1 }
            position = min(position + 3, bytes.count)
            return nil
        }
        var index = start + 1
        let isClosing = index < bytes.count && bytes[index] == UInt8(ascii: "/")
        if isClosing { index += 1 }
        guard index < bytes.count, Self.isLetter(bytes[index]) else {
            if index < bytes.count, bytes[index] == UInt8(ascii: "!") || bytes[index] == UInt8(ascii: "?") {
                return goOn(behind: start) == nil ? unclosed(start) : nil
            }
            position = start + 1
            return .text("<")
        }
        guard let end = goOn(behind: start) else { return unclosed(start) }
        var name: [UInt8] = []
        while index < end, Self.isLetter(bytes[index]) || (0x30...0x39).contains(bytes[index]) {
            name.append(Self.lowered(bytes[index]))
            index += 1
        }
        let text = String(decoding: name, as: UTF8.self)
        return isClosing ? .close(text) : .open(text, attributes(index, end))
    }

    private mutating func goOn(behind start: Int) -> Int? {
        let end = end(of: start)
        if let end { position = end }
        return end
    }

    private mutating func unclosed(_ start: Int) -> Token? {
        position = keepsUnclosedTags ? start + 1 : bytes.count
        return keepsUnclosedTags ? .text("<") : nil
    }

    private static let needed: Set<String> = ["href", "alt", "start", "class", "id", "type"]

    private func attributes(_ start: Int, _ end: Int) -> [String: String] {
        var attributes: [String: String] = [:]
        var index = start
        while index < end {
            while index < end, !Self.isLetter(bytes[index]) { index += 1 }
            var name: [UInt8] = []
            while index < end, Self.isLetter(bytes[index]) || bytes[index] == UInt8(ascii: "-") {
                name.append(Self.lowered(bytes[index]))
                index += 1
            }
            while index < end, Self.isSpace(bytes[index]) { index += 1 }
            guard index < end, bytes[index] == UInt8(ascii: "=") else { continue }
            index += 1
            while index < end, Self.isSpace(bytes[index]) { index += 1 }
            guard index < end else { break }
            let quote = bytes[index]
            var value = index..<index
            if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                index += 1
                let first = index
                while index < end, bytes[index] != quote { index += 1 }
                value = first..<index
            } else {
                while index < end, !Self.isSpace(bytes[index]), bytes[index] != UInt8(ascii: ">") { index += 1 }
                value = value.lowerBound..<index
            }
            let key = String(decoding: name, as: UTF8.self)
            if Self.needed.contains(key) { attributes[key] = HTMLEntities.decoded(bytes[value]) }
        }
        return attributes
    }
}
