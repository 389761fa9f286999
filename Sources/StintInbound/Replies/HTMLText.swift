import StintMIME

/// Turns the HTML of a mail into plain text, in one pass. It shows nothing and runs nothing.
public enum HTMLText {
    /// - Parameter quotes: Whether quoted mails, as mail programs mark them, and signatures stay.
    public static func plain(_ html: String, quotes: Bool = true) -> String {
        var reader = HTMLReader(html, keepsQuotes: quotes)
        return reader.text()
    }
}

private struct HTMLReader {
    private var scanner: HTMLScanner
    private let keepsQuotes: Bool
    private var lines: [String] = []
    private var line: [UInt8] = []
    /// How many blockquotes are open.
    private var depth = 0
    private var hasSpace = false
    private var isPreformatted = false
    /// The quote or signature that is left out, and how many elements of its name are open within.
    private var skipped: (name: String, open: Int)?
    /// From here on nothing is read any more.
    private var isAtEnd = false

    init(_ html: String, keepsQuotes: Bool) {
        // It rather keeps a word too many than loses one.
        scanner = HTMLScanner(html, keepsUnclosedTags: true)
        self.keepsQuotes = keepsQuotes
    }

    mutating func text() -> String {
        while !isAtEnd, let token = scanner.next() {
            switch token {
            case .text(let text): if skipped == nil { add(text) }
            case .open(let name, let attributes): startTag(name, attributes)
            case .close(let name): endTag(name)
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

    private mutating func add(_ text: String) {
        for byte in text.replacing("\u{A0}", with: " ").utf8 {
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

    private mutating func startTag(_ name: String, _ attributes: [String: String]) {
        if let open = skipped {
            if open.name == name { skipped?.open += 1 }
            return
        }
        if Self.skippedElements.contains(name) {
            scanner.skip(to: name)
            return
        }
        if !keepsQuotes, !["body", "html"].contains(name) {
            let names = "\(attributes["class"] ?? "") \(attributes["id"] ?? "")".lowercased()
            if Self.endMarks.contains(where: names.contains) {
                isAtEnd = true
                return
            }
            let isMarked = Self.quoteMarks.contains(where: names.contains) && !["br", "img", "hr"].contains(name)
            if isMarked || name == "blockquote" && attributes["type"]?.lowercased() == "cite" {
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
