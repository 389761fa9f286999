/// Lines of plain text, as they are written from HTML.
struct TextLines {
    private var bytes: [UInt8] = []
    /// The line feeds before the next word.
    private var breaks = 0
    private var hasSpace = false
    private var hasDivider = false
    private var isLineEmpty = true
    private var prefixes: [(first: String?, rest: String)] = []

    var count: Int { bytes.count }

    /// The text, with one line feed at its end; empty if there is none.
    var finished: String {
        bytes.isEmpty ? "" : String(decoding: bytes, as: UTF8.self) + "\n"
    }

    /// What was written after a position, without the spaces around it.
    func words(from start: Int) -> String {
        let part = bytes[min(start, bytes.count)...].drop { $0 == 0x20 || $0 == 0x0A }
        return String(decoding: part, as: UTF8.self)
    }

    mutating func push(first: String, rest: String) { prefixes.append((first, rest)) }
    mutating func pop() { if !prefixes.isEmpty { prefixes.removeLast() } }

    /// Lets the next word begin at least this many lines below; 2 leaves an empty line.
    mutating func breakLines(_ count: Int) {
        breaks = max(breaks, count)
        hasSpace = false
        hasDivider = false
    }

    /// One line more.
    mutating func breakLine() {
        breaks = min(breaks + 1, 2)
        hasSpace = false
        hasDivider = false
    }

    /// The next word is in the next cell of a table.
    mutating func divide() { if breaks == 0, !isLineEmpty { hasDivider = true } }

    mutating func add(_ text: String, isPreformatted: Bool) {
        for byte in text.utf8 {
            if isPreformatted, byte == 0x0A {
                breaks += 1
            } else if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D || byte == 0x0C {
                if isPreformatted {
                    startLine()
                    bytes.append(0x20)
                } else {
                    hasSpace = true
                }
            } else if byte >= 0x20, byte != 0x7F {
                startLine()
                if hasDivider {
                    bytes += Array(" | ".utf8)
                } else if hasSpace, !isLineEmpty {
                    bytes.append(0x20)
                }
                hasSpace = false
                hasDivider = false
                isLineEmpty = false
                bytes.append(byte)
            }
        }
    }

    private mutating func startLine() {
        guard breaks > 0 || bytes.isEmpty else { return }
        if !bytes.isEmpty {
            while bytes.last == 0x20 { bytes.removeLast() }
            for _ in 0..<min(breaks, 3) { bytes.append(0x0A) }
        }
        breaks = 0
        hasSpace = false
        isLineEmpty = true
        for index in prefixes.indices {
            bytes += Array((prefixes[index].first ?? prefixes[index].rest).utf8)
            prefixes[index].first = nil
        }
    }
}
