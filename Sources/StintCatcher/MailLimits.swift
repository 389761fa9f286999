import StintMailbox

/// What a mail may have to be read by GMime. It is counted before, in one pass over the bytes, so that a mail that was made
/// to take much memory, time or stack takes none.
enum MailLimits {
    /// The most lines of headers at the beginning.
    static let mostHeaderLines = 2_000
    static let mostHeaderBytes = 262_144
    /// The most parts that name their type; only such a part has parts of its own.
    static let mostParts = 250
    /// The most lines that may separate parts.
    static let mostSeparators = 20_000

    /// Why a mail is not read; `nil`: it is.
    static func problem(of mail: [UInt8]) -> String? {
        mail.withUnsafeBufferPointer { bytes in
            var (isHeader, headerLines, parts, separators) = (true, 0, 0, 0)
            var start = 0
            while start < bytes.count {
                let end = lineEnd(bytes, from: start)
                let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
                if isHeader {
                    if line.isEmpty || line.count == 1 && line[0] == 0x0D { isHeader = false }
                    headerLines += 1
                    guard headerLines <= mostHeaderLines else {
                        return
                            "Its headers have more than \(mostHeaderLines) lines: it is not read as a mail, and only its beginning and its source are shown."
                    }
                    guard end <= mostHeaderBytes else {
                        return
                            "Its headers have more than \(mostHeaderBytes) bytes: it is not read as a mail, and only its beginning and its source are shown."
                    }
                }
                if hasPrefix(line, "content-type") {
                    parts += 1
                    guard parts <= mostParts else {
                        return
                            "It has more than \(mostParts) parts: it is not read as a mail, and only its headers and its source are shown."
                    }
                } else if line.count >= 2, line[0] == UInt8(ascii: "-"), line[1] == UInt8(ascii: "-") {
                    separators += 1
                    guard separators <= mostSeparators else {
                        return
                            "It has more than \(mostSeparators) lines that may separate parts: it is not read as a mail, and only its headers and its source are shown."
                    }
                }
                start = end + 1
            }
            return nil
        }
    }

    private static func lineEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] != 0x0A { end += 1 }
        return end
    }

    /// - Parameter word: In small letters.
    private static func hasPrefix(_ line: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard line.count >= count, line[0] | 0x20 == word.utf8Start[0] else { return false }
        for index in 1..<count where line[index] | 0x20 != word.utf8Start[index] | 0x20 { return false }
        return true
    }
}

/// The headers at the beginning of a mail that is not read otherwise, as they are.
enum PlainHeaders {
    private static let most = 100
    private static let mostBytes = 65_536

    static func read(_ mail: [UInt8]) -> [MailContents.Header] {
        var headers: [(name: String, value: String)] = []
        for line in mail.prefix(mostBytes).split(separator: 0x0A, omittingEmptySubsequences: false) {
            let line = line.last == 0x0D ? line.dropLast() : line
            guard let first = line.first else { break }
            let text = String(decoding: line.prefix(1_000), as: UTF8.self)
            if first == 0x20 || first == 0x09 {
                if let last = headers.indices.last, headers[last].value.utf8.count < 4_000 {
                    headers[last].value += text
                }
                continue
            }
            guard let colon = text.firstIndex(of: ":"), headers.count < most else { break }
            headers.append((String(text[..<colon]), String(text[text.index(after: colon)...].drop { $0 == " " })))
        }
        return headers.map { MailContents.Header(name: $0.name, value: $0.value) }
    }
}
