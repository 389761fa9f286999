/// The header of a message, line by line: ASCII, but for addresses of SMTPUTF8.
struct HeaderLines {
    /// A line is folded before it would be longer.
    static let longestLine = 76
    /// A word of ASCII that is longer is encoded, so that no line comes near 998 bytes, the limit of SMTP.
    static let longestWord = 900

    private(set) var bytes: [UInt8] = []

    /// A header of words, between which it may be folded.
    mutating func add(_ name: String, words: [String]) {
        bytes += name.utf8
        bytes.append(UInt8(ascii: ":"))
        var length = name.utf8.count + 1
        var hasWord = false
        // Whether the line has nothing but spaces yet.
        var isBlank = false
        for word in words {
            let size = word.utf8.count
            if length + 1 + size > Self.longestLine, !isBlank, hasWord || length > 30 {
                bytes += [0x0D, 0x0A]
                length = 0
                isBlank = true
            }
            bytes.append(0x20)
            bytes += word.utf8
            length += 1 + size
            hasWord = true
            if isBlank { isBlank = word.utf8.allSatisfy { $0 == 0x20 } }
        }
        bytes += [0x0D, 0x0A]
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
        guard EncodedWords.isNeeded(text) else { return splitAtSpaces(text) }
        return EncodedWords.encode(text, first: longestLine - used)
    }

    /// A person's name.
    private static func phrase(_ name: String, after used: Int) -> [String] {
        if EncodedWords.isNeeded(name) || name.utf8.count > longestLine - 10 {
            return EncodedWords.encode(name, first: longestLine - used)
        }
        if name.utf8.allSatisfy({ $0 == 0x20 || MailAddress.isAtom($0) }) { return splitAtSpaces(name) }
        return [MailText.inQuotes(name)]
    }

    private static func splitAtSpaces(_ text: String) -> [String] {
        // By bytes, which takes a part of the time of letters.
        text.utf8.split(separator: 0x20).map { String(Substring($0)) }
    }
}
