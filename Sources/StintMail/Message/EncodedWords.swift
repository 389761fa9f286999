/// Text of any script in headers, as RFC 2047 says: always UTF-8, in words of at most 75 bytes, none of which ends
/// within a character.
///
/// GMime's own encoder is not used: with its version 3.2 words have up to 140 bytes, and long URLs in headers become
/// encoded words too.
enum EncodedWords {
    static let maximumBytes = 75
    private static let start = "=?utf-8?"

    /// Whether readers would not get `text` back if it stood in a header as it is.
    static func isNeeded(_ text: String) -> Bool {
        // As if a space were before it, so that one at its beginning is the second.
        var previous: UInt8 = 0x20
        var word = 0
        for byte in text.utf8 {
            guard (0x20...0x7E).contains(byte) else { return true }
            if byte == 0x20 {
                if previous == 0x20 { return true }
                word = 0
            } else {
                word += 1
                if previous == UInt8(ascii: "="), byte == UInt8(ascii: "?") { return true }
                if word > HeaderLines.longestWord { return true }
            }
            previous = byte
        }
        return !text.isEmpty && previous == 0x20
    }

    /// - Parameter first: How many bytes the first word may have, since it follows the header's name.
    static func encode(_ text: String, first: Int = maximumBytes) -> [String] {
        let isBase64 = isShorterAsBase64(text)
        let frame = start.utf8.count + 4
        var words: [String] = []
        var bytes: [UInt8] = []
        func size(_ bytes: some Collection<UInt8>) -> Int {
            frame
                + (isBase64 ? (bytes.count + 2) / 3 * 4 : bytes.reduce(0) { $0 + (isPlain($1) || $1 == 0x20 ? 1 : 3) })
        }
        func end() {
            guard !bytes.isEmpty else { return }
            words.append(start + (isBase64 ? "B?" + Base64.encode(bytes) : "Q?" + quoted(bytes)) + "?=")
            bytes = []
        }
        func add(_ more: some Collection<UInt8>) {
            let limit = words.isEmpty ? min(max(first, 30), maximumBytes) : maximumBytes
            if size(bytes + more) > limit { end() }
            bytes += more
        }
        for character in text {
            if size(character.utf8) <= 30 {
                add(character.utf8)
            } else {
                // A letter with many marks, or a long emoji: it may be split between its code points.
                for scalar in character.unicodeScalars { add(Array(UTF8.encode(scalar)!)) }
            }
        }
        end()
        return words
    }

    private static func isShorterAsBase64(_ text: String) -> Bool {
        let escaped = text.utf8.count { !isPlain($0) && $0 != 0x20 }
        return (text.utf8.count + 2) / 3 * 4 < text.utf8.count + 2 * escaped
    }

    /// What may stand in an encoded word of a name (RFC 2047, section 5, rule 3).
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "/")
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in bytes {
            if isPlain(byte) {
                result.append(byte)
            } else if byte == 0x20 {
                result.append(UInt8(ascii: "_"))
            } else {
                result += [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
