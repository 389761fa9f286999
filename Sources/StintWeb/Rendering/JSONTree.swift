/// A JSON text as folded HTML. Numbers and texts stay as they were written, also those that no number of a program can
/// hold.
struct JSONTree {
    /// The largest text that is shown so, in bytes.
    static let maximumBytes = 262_144
    private static let maximumDepth = 64
    /// Objects and lists that are deeper are folded at first.
    private static let openDepth = 2

    private let bytes: [UInt8]
    private let redacted: Set<String>
    private var place = 0
    private var html = ""

    /// `nil`: it is no JSON, or too large or too deep.
    static func html(_ bytes: [UInt8], redacted: Set<String>) -> String? {
        guard bytes.count <= maximumBytes, String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var tree = JSONTree(bytes, redacted)
        tree.skipSpace()
        guard tree.value(depth: 0, label: "") else { return nil }
        tree.skipSpace()
        return tree.place == bytes.count ? tree.html : nil
    }

    /// The text with the values of these keys replaced; `nil` as above.
    static func text(_ bytes: [UInt8], redacted: Set<String>) -> [UInt8]? {
        guard bytes.count <= maximumBytes * 16, String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var tree = JSONTree(bytes, redacted)
        tree.skipSpace()
        guard tree.value(depth: 0, label: "") else { return nil }
        tree.skipSpace()
        guard tree.place == bytes.count else { return nil }
        var (text, last) = ([UInt8](), 0)
        for range in tree.hidden {
            text += bytes[last..<range.lowerBound] + Array("\"\(Redaction.mark)\"".utf8)
            last = range.upperBound
        }
        return text + bytes[last...]
    }

    /// The places of the values that are redacted, in their order.
    private var hidden: [Range<Int>] = []

    private init(_ bytes: [UInt8], _ redacted: Set<String>) {
        self.bytes = bytes
        self.redacted = redacted
    }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { place += 1 }
    }

    private mutating func take(_ expected: Character) -> Bool {
        guard byte == expected.asciiValue else { return false }
        place += 1
        return true
    }

    private func text(_ range: Range<Int>) -> String { HTMLText.escaped(String(decoding: bytes[range], as: UTF8.self)) }

    private mutating func value(depth: Int, label: String) -> Bool {
        guard depth < Self.maximumDepth else { return false }
        switch byte {
        case UInt8(ascii: "{"): return container("{", "}", depth: depth, label: label)
        case UInt8(ascii: "["): return container("[", "]", depth: depth, label: label)
        case UInt8(ascii: "\""):
            guard let range = string() else { return false }
            html += "\(label)<span class=\"json-text\">\(text(range))</span>"
            return true
        default:
            let start = place
            while let byte, !" \t\n\r,]}".utf8.contains(byte) { place += 1 }
            guard Self.isScalar(bytes[start..<place]) else { return false }
            html += "\(label)<span class=\"json-number\">\(text(start..<place))</span>"
            return true
        }
    }

    /// A number, or one of the three words.
    private static func isScalar(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self), !text.isEmpty else { return false }
        if ["true", "false", "null"].contains(text) { return true }
        return text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil
    }

    private mutating func string() -> Range<Int>? {
        let start = place
        place += 1
        while let byte {
            place += 1
            if byte == UInt8(ascii: "\"") { return start..<place }
            if byte == UInt8(ascii: "\\") { place += 1 }
            if byte < 0x20 { return nil }
        }
        return nil
    }

    private mutating func container(_ open: Character, _ close: Character, depth: Int, label: String) -> Bool {
        place += 1
        let before = html
        html = ""
        var count = 0
        skipSpace()
        if !take(close) {
            repeat {
                skipSpace()
                html += "<li>"
                guard member(of: open, depth: depth) else { return false }
                html += "</li>"
                count += 1
                skipSpace()
            } while take(",")
            guard take(close) else { return false }
        }
        if count == 0 {
            html = before + "\(label)\(open)\(close)"
        } else {
            let isOpen = depth < Self.openDepth ? " open" : ""
            let size =
                open == "{" ? (count == 1 ? "1 key" : "\(count) keys") : (count == 1 ? "1 item" : "\(count) items")
            html =
                before
                + "<details\(isOpen)><summary>\(label)\(open) <span class=\"dim\">\(size)</span> \(close)</summary>"
                + "<ul class=\"json\">\(html)</ul></details>"
        }
        return true
    }

    private mutating func member(of open: Character, depth: Int) -> Bool {
        guard open == "{" else { return value(depth: depth + 1, label: "") }
        guard byte == UInt8(ascii: "\""), let range = string() else { return false }
        let name = Self.unescaped(bytes[range.lowerBound + 1..<range.upperBound - 1])
        let label = "<span class=\"json-key\">\(text(range))</span>: "
        skipSpace()
        guard take(":") else { return false }
        skipSpace()
        guard redacted.contains(name.lowercased()) else { return value(depth: depth + 1, label: label) }
        let (start, before) = (place, html)
        guard value(depth: depth + 1, label: label) else { return false }
        // What was redacted within it goes with it.
        hidden.removeAll { $0.lowerBound >= start }
        hidden.append(start..<place)
        html = before + label + "<span class=\"dim\">\(Redaction.mark)</span>"
        return true
    }

    /// A key as programs read it: `passw\u006frd` is `password`.
    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains("\\") else { return text }
        var (result, rest) = ([UInt16](), Array(text.utf16)[...])
        while let unit = rest.popFirst() {
            guard unit == 0x5c, let next = rest.popFirst() else {
                result.append(unit)
                continue
            }
            if next == 0x75, rest.count >= 4,
                let code = UInt16(String(decoding: rest.prefix(4), as: UTF16.self), radix: 16)
            {
                result.append(code)
                rest = rest.dropFirst(4)
            } else {
                result.append(next)
            }
        }
        return String(decoding: result, as: UTF16.self)
    }
}
