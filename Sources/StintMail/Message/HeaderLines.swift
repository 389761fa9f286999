/// The header of a message, line by line: ASCII, but for addresses of SMTPUTF8.
struct HeaderLines {
    /// A line is folded before it would be longer.
    static let longestLine = 76
    /// A word of ASCII that is longer is encoded, so that no line comes near 998 bytes, the limit of SMTP.
    static let longestWord = 900

    private(set) var bytes: [UInt8] = []

    /// A header of words, between which it may be folded.
    mutating func add(_ name: String, words: [String]) {
        var line = name + ":"
        for word in words {
            if line.utf8.count + 1 + word.utf8.count > Self.longestLine, !line.utf8.allSatisfy({ $0 == 0x20 }),
                line != name + ":" || line.utf8.count > 30
            {
                bytes += Array((line + "\r\n").utf8)
                line = ""
            }
            line += " " + word
        }
        bytes += Array((line + "\r\n").utf8)
    }

    /// A header of free text.
    mutating func add(_ name: String, text: String) {
        add(name, words: Self.words(text, after: name.utf8.count + 2))
    }

    /// A header of addresses; none if there are no addresses.
    mutating func add(_ name: String, _ addresses: [MailAddress]) {
        guard !addresses.isEmpty else { return }
        var words: [String] = []
        for (index, address) in addresses.enumerated() {
            let first = words.isEmpty ? name.utf8.count + 2 : 1
            let comma = index + 1 < addresses.count ? "," : ""
            if let person = address.name {
                words += Self.phrase(person, after: first)
                words.append("<\(address.address)>\(comma)")
            } else {
                words.append(address.address + comma)
            }
        }
        add(name, words: words)
    }

    private static func words(_ text: String, after used: Int) -> [String] {
        guard EncodedWords.isNeeded(text) else { return text.split(separator: " ").map(String.init) }
        return EncodedWords.encode(text, first: longestLine - used)
    }

    /// A person's name.
    private static func phrase(_ name: String, after used: Int) -> [String] {
        if EncodedWords.isNeeded(name) || name.utf8.count > longestLine - 10 {
            return EncodedWords.encode(name, first: longestLine - used)
        }
        let words = name.split(separator: " ").map(String.init)
        if words.allSatisfy({ $0.unicodeScalars.allSatisfy(MailAddress.isAtom) }) { return words }
        return [MailText.inQuotes(name)]
    }
}
