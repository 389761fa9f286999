/// Reads the tags and texts of HTML. Any bytes are HTML: what is no tag is text.
struct HTMLScanner {
    enum Token {
        /// With its entities read.
        case text(String)
        /// The name and those attributes that a text needs, in lower case.
        case open(String, [String: String])
        case close(String)
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ html: String) { bytes = Array(html.utf8) }

    mutating func next() -> Token? {
        while position < bytes.count {
            if bytes[position] != UInt8(ascii: "<") { return text() }
            if let token = tag() { return token }
        }
        return nil
    }

    /// Goes on behind the end of an element.
    mutating func skip(to name: String) {
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "<"), starts(with: "</\(name)") {
                position = end(of: position)
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

    /// Behind the `>` of the tag that begins at `start`; one in quotes does not count.
    private func end(of start: Int) -> Int {
        var quote: UInt8?
        var index = start + 1
        while index < bytes.count {
            let byte = bytes[index]
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: ">") {
                return index + 1
            } else if (byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")) && bytes[index - 1] == UInt8(ascii: "=")
            {
                quote = byte
            }
            index += 1
        }
        return bytes.count
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
                position = end(of: start)
                return nil
            }
            position = start + 1
            return .text("<")
        }
        let end = end(of: start)
        var name: [UInt8] = []
        while index < end, Self.isLetter(bytes[index]) || (0x30...0x39).contains(bytes[index]) {
            name.append(Self.lowered(bytes[index]))
            index += 1
        }
        position = end
        let text = String(decoding: name, as: UTF8.self)
        return isClosing ? .close(text) : .open(text, attributes(index, end))
    }

    private static let needed: Set<String> = ["href", "alt", "start"]

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

/// `&amp;`, `&#39;` and the like.
enum HTMLEntities {
    private static let named: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "ndash": "–", "mdash": "—",
        "hellip": "…", "laquo": "«", "raquo": "»", "ldquo": "“", "rdquo": "”", "lsquo": "‘", "rsquo": "’", "bdquo": "„",
        "sbquo": "‚", "copy": "©", "reg": "®", "trade": "™", "euro": "€", "pound": "£", "bull": "•", "middot": "·",
        "times": "×", "rarr": "→", "larr": "←", "auml": "ä", "ouml": "ö", "uuml": "ü", "Auml": "Ä", "Ouml": "Ö",
        "Uuml": "Ü", "szlig": "ß", "eacute": "é", "egrave": "è", "agrave": "à", "ccedil": "ç", "ntilde": "ñ",
        "shy": "", "zwnj": "", "zwj": "\u{200D}", "lrm": "\u{200E}", "rlm": "\u{200F}",
    ]
    private static let longest = 12

    static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
        var text: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "&"), let end = rest.prefix(longest).firstIndex(of: UInt8(ascii: ";")),
                let decoded = decoded(String(decoding: rest[..<end], as: UTF8.self))
            else {
                text.append(byte)
                continue
            }
            text += Array(decoded.utf8)
            rest = rest[(end + 1)...]
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func decoded(_ name: String) -> String? {
        guard name.hasPrefix("#") else { return named[name] }
        let digits = name.dropFirst()
        let isHex = digits.first == "x" || digits.first == "X"
        guard let value = isHex ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits) else { return nil }
        return Unicode.Scalar(value).map { String(Character($0)) } ?? "\u{FFFD}"
    }
}
