import StintMIME

/// Turns bytes of any character set into text, also if the set is not the one that they say.
enum Charset {
    /// Latin-1 and what is written where no set was thought of: UTF-8 is often mislabelled as one of these.
    private static let western: Set<String> = [
        "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1", "windows-1252", "cp1252", "iso-8859-15",
        "us-ascii", "ascii", "ansi_x3.4-1968", "default", "unknown-8bit", "x-unknown", "binary", "8bit",
    ]
    private static let utf8: Set<String> = ["utf-8", "utf8", "unicode-1-1-utf-8", "utf-8n", "utf8mb4"]

    /// - Parameter label: What the bytes say that they are; `nil`: nothing.
    /// - Returns: Valid text without NUL. Never fails: at worst the text has U+FFFD or `?`.
    static func text(_ bytes: ArraySlice<UInt8>, _ label: String?) -> String {
        bytes.withUnsafeBufferPointer { text($0, label) }
    }

    private static func text(_ bytes: UnsafeBufferPointer<UInt8>, _ label: String?) -> String {
        let label = String((label ?? "").lowercased().unicodeScalars.filter { $0 != " " && $0 != "\"" && $0 != "'" })
        let asUTF8 = String(validating: bytes, as: UTF8.self)
        if let asUTF8, label.isEmpty || utf8.contains(label) || western.contains(label) { return asUTF8.withoutNUL }
        if utf8.contains(label) {
            // A text that was cut may end within a character; one with many wrong bytes is of another set.
            let lossy = String(decoding: bytes, as: UTF8.self)
            let wrong = lossy.unicodeScalars.count { $0 == "\u{FFFD}" }
            let wide = lossy.unicodeScalars.count { !$0.isASCII } - wrong
            if wrong <= 1 || wrong * 4 <= wide { return lossy.withoutNUL }
            return western(bytes)
        }
        if label.isEmpty || western.contains(label) && label != "iso-8859-15" { return western(bytes) }
        if label.utf8.count <= 40, label.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let text = GMime.text(bytes, charset: name(label))
        {
            return text.withoutNUL
        }
        return (asUTF8 ?? western(bytes)).withoutNUL
    }

    /// Names that iconv does not know, or that mean a larger set in mails.
    private static func name(_ label: String) -> String {
        switch label {
        case "gb2312", "gbk", "x-gbk", "gb_2312-80", "csgb2312": "gb18030"
        case "shift-jis", "x-sjis", "sjis", "ms_kanji", "windows-31j", "shift_jis": "cp932"
        case "ks_c_5601-1987", "ks_c_5601", "euc-kr": "cp949"
        case "iso-8859-8-i", "iso-8859-8-e": "iso-8859-8"
        case "koi8r": "koi8-r"
        case "x-mac-roman": "macintosh"
        case let label where label.hasPrefix("cp125") || label.hasPrefix("cp-125"): "windows-\(label.suffix(4))"
        default: label
        }
    }

    /// Windows-1252, of which Latin-1 is a part but for control characters.
    private static func western(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes {
            switch byte {
            case 0: text.append("\u{FFFD}")
            case 0x80...0x9F: text.append(high[Int(byte - 0x80)])
            default: text.append(Unicode.Scalar(byte))
            }
        }
        return String(text)
    }

    private static let high: [Unicode.Scalar] = Array(
        "€\u{FFFD}‚ƒ„…†‡ˆ‰Š‹Œ\u{FFFD}Ž\u{FFFD}\u{FFFD}‘’“”•–—˜™š›œ\u{FFFD}žŸ".unicodeScalars)
}

extension String {
    var withoutNUL: String {
        utf8.contains(0)
            ? String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 })) : self
    }

    /// At most this many bytes of UTF-8, cut at a character.
    func cut(bytes most: Int) -> String {
        guard utf8.count > most else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: most)
        while end > utf8.startIndex, utf8[end] & 0b1100_0000 == 0b1000_0000 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
