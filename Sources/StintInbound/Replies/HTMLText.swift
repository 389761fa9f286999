/// Turns the HTML of a mail into plain text, in one pass. It shows nothing and runs nothing.
public enum HTMLText {
    /// - Parameter quotes: Whether quoted mails, as mail programs mark them, and signatures stay.
    public static func plain(_ html: String, quotes: Bool = true) -> String {
        var reader = HTMLReader(Array(html.utf8), keepsQuotes: quotes)
        return reader.text()
    }
}

private struct HTMLReader {
    private let bytes: [UInt8]
    private let keepsQuotes: Bool
    private var place = 0
    private var lines: [String] = []
    private var line: [UInt8] = []
    /// How many blockquotes are open.
    private var depth = 0
    private var hasSpace = false
    private var isPreformatted = false
    /// The element that is left out, and how many of its name are open within.
    private var skipped: (name: String, open: Int)?
    /// No tag ends any more, so that the rest is looked through once only.
    private var hasNoTagEnd = false
    /// From here on nothing is read any more.
    private var isAtEnd = false

    init(_ bytes: [UInt8], keepsQuotes: Bool) {
        self.bytes = bytes
        self.keepsQuotes = keepsQuotes
    }

    mutating func text() -> String {
        while place < bytes.count, !isAtEnd {
            switch bytes[place] {
            case UInt8(ascii: "<"): readTag()
            case UInt8(ascii: "&"): readEntity()
            case let byte:
                place += 1
                add([byte])
            }
        }
        endLine()
        var text = ""
        var empty = 0
        for line in lines {
            empty = line.isEmpty ? empty + 1 : 0
            if empty < 2 { text += line + "\n" }
        }
        return text.trimmingLines
    }

    private mutating func add(_ text: [UInt8]) {
        guard skipped == nil else { return }
        for byte in text {
            if isPreformatted, byte == 0x0A {
                endLine()
            } else if !isPreformatted, byte == 0x20 || (0x09...0x0D).contains(byte) {
                hasSpace = true
            } else {
                if hasSpace, !line.isEmpty { line.append(0x20) }
                hasSpace = false
                line.append(byte)
            }
        }
    }

    private mutating func endLine() {
        let mark = String(repeating: "> ", count: min(depth, 20))
        lines.append(line.isEmpty && depth == 0 ? "" : mark + String(decoding: line, as: UTF8.self))
        line = []
        hasSpace = false
    }

    /// Ends the line if it has something.
    private mutating func breakLine() { if !line.isEmpty { endLine() } }

    // MARK: - Tags

    private mutating func readTag() {
        if bytes[place...].starts(with: Array("<!--".utf8)) {
            var end = place + 4
            while end < bytes.count, !(bytes[end] == 0x3E && bytes[end - 1] == 0x2D && bytes[end - 2] == 0x2D) {
                end += 1
            }
            place = min(end + 1, bytes.count)
            return
        }
        let next = place + 1 < bytes.count ? bytes[place + 1] : 0
        let isTag = (0x41...0x5A).contains(next & 0xDF) || next == UInt8(ascii: "/") || next == UInt8(ascii: "!")
        let found = isTag && !hasNoTagEnd ? tagEnd() : nil
        if isTag, found == nil { hasNoTagEnd = true }
        guard let end = found else {
            place += 1
            add([UInt8(ascii: "<")])
            return
        }
        let tag = bytes[(place + 1)..<end]
        place = end + 1
        let isEnd = tag.first == UInt8(ascii: "/")
        let rest = isEnd ? tag.dropFirst() : tag
        let name = String(
            decoding: rest.prefix(20).prefix {
                (0x41...0x5A).contains($0 & 0xDF) || (0x30...0x39).contains($0)
            }, as: UTF8.self
        ).lowercased()
        isEnd ? endTag(name) : startTag(name, tag)
    }

    private func tagEnd() -> Int? {
        var quote: UInt8?
        var first: Int?
        var index = place + 1
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: ">") {
                if quote == nil { return index }
                first = first ?? index
            } else if byte == quote {
                quote = nil
            } else if quote == nil, byte == 0x22 || byte == 0x27, bytes[index - 1] == UInt8(ascii: "=") {
                quote = byte
            }
            index += 1
        }
        return first
    }

    private static let skippedElements: Set<String> = ["script", "style", "head", "title", "template", "object", "svg"]
    private static let blocks: Set<String> = [
        "p", "div", "li", "tr", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header",
        "footer", "hr", "dd", "dt", "pre", "blockquote",
    ]
    /// Elements in which mail programs put what is quoted, and signatures: a part of their class or id.
    private static let quoteMarks = [
        "gmail_quote", "gmail_signature", "gmail_attr", "yahoo_quoted", "protonmail_quote", "protonmail_signature",
        "moz-cite-prefix", "moz-signature", "moz-forward-container", "zmail_extra", "applemailsignature",
        "ms-outlook-mobile-signature", "mail-quote", "tutanota_quote", "hcsignature", "qt_quote",
    ]
    /// Elements after which Outlook puts the mail that is answered.
    private static let endMarks = [
        "divrplyfwdmsg", "appendonsend", "olk_src_body_section", "mail-editor-reference-message",
    ]

    private mutating func startTag(_ name: String, _ tag: ArraySlice<UInt8>) {
        if let open = skipped {
            if open.name == name { skipped?.open += 1 }
            return
        }
        if Self.skippedElements.contains(name) {
            skipped = (name, 1)
            return
        }
        if !keepsQuotes, !["body", "html"].contains(name) {
            let text = String(decoding: tag.prefix(2_000), as: UTF8.self).lowercased()
            if text.contains("id=") || text.contains("class=") {
                if Self.endMarks.contains(where: text.contains) {
                    isAtEnd = true
                    return
                }
                if Self.quoteMarks.contains(where: text.contains), !["br", "img", "hr"].contains(name) {
                    breakLine()
                    skipped = (name, 1)
                    return
                }
            }
            if name == "blockquote", text.contains("type=\"cite\"") || text.contains("type=cite") {
                breakLine()
                skipped = (name, 1)
                return
            }
        }
        switch name {
        case "br": endLine()
        case "p":
            breakLine()
            if lines.last?.isEmpty == false { endLine() }
        case "blockquote":
            breakLine()
            depth += 1
        case "pre":
            breakLine()
            isPreformatted = true
        case "li":
            breakLine()
            line += Array("- ".utf8)
        case "td", "th": hasSpace = true
        case let name where Self.blocks.contains(name): breakLine()
        default: break
        }
    }

    private mutating func endTag(_ name: String) {
        if let open = skipped {
            guard open.name == name else { return }
            skipped = open.open > 1 ? (name, open.open - 1) : nil
            return
        }
        guard Self.blocks.contains(name) else { return }
        breakLine()
        switch name {
        case "p": endLine()
        case "blockquote": depth = max(0, depth - 1)
        case "pre": isPreformatted = false
        default: break
        }
    }

    // MARK: - Entities

    private static let entities: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "auml": "ä", "ouml": "ö", "uuml": "ü",
        "Auml": "Ä", "Ouml": "Ö", "Uuml": "Ü", "szlig": "ß", "eacute": "é", "egrave": "è", "ecirc": "ê", "agrave": "à",
        "aacute": "á", "acirc": "â", "iacute": "í", "icirc": "î", "oacute": "ó", "ocirc": "ô", "uacute": "ú",
        "ugrave": "ù", "ntilde": "ñ", "ccedil": "ç", "aring": "å", "oslash": "ø", "aelig": "æ", "euro": "€",
        "hellip": "…", "ndash": "–", "mdash": "—", "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”",
        "bdquo": "„", "laquo": "«", "raquo": "»", "copy": "©", "reg": "®", "trade": "™", "bull": "•", "middot": "·",
        "shy": "", "zwnj": "", "zwj": "", "ensp": " ", "emsp": " ", "thinsp": " ", "iexcl": "¡", "iquest": "¿",
    ]

    private mutating func readEntity() {
        let window = bytes[(place + 1)..<min(place + 12, bytes.count)]
        guard let end = window.firstIndex(of: UInt8(ascii: ";")) else {
            place += 1
            return add([UInt8(ascii: "&")])
        }
        let name = String(decoding: bytes[(place + 1)..<end], as: UTF8.self)
        var text = Self.entities[name]
        if name.hasPrefix("#") {
            let isHex = name.dropFirst().first == "x" || name.dropFirst().first == "X"
            let number = UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10)
            if let number, let scalar = Unicode.Scalar(number) {
                text = number == 0xA0 ? " " : number < 0x20 || number == 0x7F ? " " : String(scalar)
            }
        }
        guard let text else {
            place += 1
            return add([UInt8(ascii: "&")])
        }
        place = end + 1
        add(Array(text.utf8))
    }
}

extension String {
    /// Without white space at the ends of lines, and without empty lines at its beginning and end.
    var trimmingLines: String {
        var lines = split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = line
            while let last = line.last, last == " " || last == "\t" || last == "\r" || last == "\u{A0}" {
                line = line.dropLast()
            }
            return line
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.drop { $0.isEmpty }.joined(separator: "\n")
    }
}
