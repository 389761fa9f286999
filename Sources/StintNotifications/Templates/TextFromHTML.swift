import StintMIME

/// Plain text made from HTML, for mail programs that show no HTML, and for readers who prefer none.
///
/// Paragraphs, headings, lists and quotes keep their lines, cells of tables have ` | ` between them, and a link's address
/// follows its words in brackets. What a reader does not see is left out: styles, scripts, comments, the head.
struct TextFromHTML {
    /// How deep lists and quotes are shown.
    static let maximumDepth = 20

    static func text(_ html: String) -> String {
        var converter = TextFromHTML(html)
        converter.convert()
        return converter.output.finished
    }

    private enum Element { case list, entry, quote }

    private var scanner: HTMLScanner
    private var output = TextLines()
    /// The open lists; of a numbered one its next number.
    private var lists: [Int?] = []
    /// The open lists, entries and quotes, and whether their lines have a beginning of their own.
    private var opened: [(element: Element, hasPrefix: Bool)] = []
    private var prefixes = 0
    private var link: (address: String, start: Int)?
    private var preformatted = 0
    /// Whether the row has a cell with words already.
    private var cellsBefore = false

    private init(_ html: String) { scanner = HTMLScanner(html) }

    private static let unseen: Set<String> = ["head", "style", "script", "title", "template", "noscript"]
    private static let paragraphs: Set<String> = [
        "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol", "dl", "hr",
    ]
    private static let lines: Set<String> = [
        "div", "section", "article", "header", "footer", "main", "nav", "aside", "address", "figure", "figcaption",
        "tr",
        "li", "dt", "dd", "body", "html", "form", "fieldset", "tbody", "thead", "center",
    ]

    private mutating func convert() {
        while let token = scanner.next() {
            switch token {
            case .text(let text): output.add(text, isPreformatted: preformatted > 0)
            case .open(let name, let attributes):
                if Self.unseen.contains(name) {
                    scanner.skip(to: name)
                } else {
                    open(name, attributes)
                }
            case .close(let name): close(name)
            }
        }
    }

    private mutating func separate(_ name: String) {
        if Self.paragraphs.contains(name) {
            // A list in a list goes on with the next line.
            output.breakLines(lists.isEmpty || name != "ul" && name != "ol" ? 2 : 1)
        } else if Self.lines.contains(name) {
            output.breakLines(1)
        }
    }

    private mutating func open(_ name: String, _ attributes: [String: String]) {
        separate(name)
        switch name {
        case "br": output.breakLine()
        case "hr":
            output.add("----", isPreformatted: false)
            output.breakLines(2)
        case "img":
            if let words = attributes["alt"], !words.isEmpty { output.add(words, isPreformatted: false) }
        case "a":
            closeLink()
            if let address = attributes["href"] { link = (address, output.count) }
        case "ul", "ol":
            lists.append(name == "ul" ? nil : attributes["start"].flatMap(Int.init) ?? 1)
            opened.append((.list, false))
        case "li":
            if opened.last?.element == .entry { closeLast() }
            var marker = "- "
            if let number = lists.last ?? nil {
                marker = "\(number). "
                lists[lists.count - 1] = number &+ 1
            }
            prefix(.entry, first: marker, rest: String(repeating: " ", count: marker.utf8.count))
        case "blockquote": prefix(.quote, first: "> ", rest: "> ")
        case "pre": preformatted += 1
        case "tr": cellsBefore = false
        case "td", "th":
            if cellsBefore { output.divide() }
            cellsBefore = true
        default: break
        }
    }

    private mutating func prefix(_ element: Element, first: String, rest: String) {
        // Deeper ones are shown without.
        let hasPrefix = prefixes < Self.maximumDepth
        opened.append((element, hasPrefix))
        if hasPrefix {
            prefixes += 1
            output.push(first: first, rest: rest)
        }
    }

    private mutating func closeLast() {
        guard let last = opened.popLast(), last.hasPrefix else { return }
        prefixes -= 1
        output.pop()
    }

    private mutating func close(_ name: String) {
        switch name {
        case "a": closeLink()
        case "ul", "ol":
            // It ends what is open in it.
            if lists.popLast() != nil {
                while let last = opened.last, last.element != .list { closeLast() }
                closeLast()
            }
        case "li": if opened.last?.element == .entry { closeLast() }
        case "blockquote": if opened.last?.element == .quote { closeLast() }
        case "pre": preformatted = max(0, preformatted - 1)
        case "table": cellsBefore = false
        default: break
        }
        separate(name)
    }

    private mutating func closeLink() {
        guard let (address, start) = link else { return }
        link = nil
        let lowered = address.lowercased()
        guard lowered.hasPrefix("https://") || lowered.hasPrefix("http://") || lowered.hasPrefix("mailto:") else {
            return
        }
        let shown = lowered.hasPrefix("mailto:") ? String(address.dropFirst(7)) : address
        let words = output.words(from: start)
        if words == shown || words == address { return }
        output.add(words.isEmpty ? shown : " (\(shown))", isPreformatted: false)
    }
}
