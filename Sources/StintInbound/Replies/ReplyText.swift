/// What a person has written in a reply: without what it quotes and without the signature.
///
/// It knows how Gmail, Outlook, Apple Mail and Thunderbird introduce a quoted mail, in several languages. What it does not
/// know stays: it rather keeps a line too many than loses one.
public enum ReplyText {
    public static func visible(in text: String) -> String {
        let text = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n").replacing("\u{A0}", with: " ")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(20_000).map { Substring($0) }
        let isQuoted = lines.map { $0.drop { $0 == " " }.first == ">" }
        var kept: [Substring] = []
        var index = 0
        while index < lines.count {
            let line = lines[index]
            if isQuoted[index] {
                index += 1
                continue
            }
            if line == "-- " || line == "--" || line == "—" && index > 0 { break }
            if QuoteMarks.isSeparator(line) || QuoteMarks.isHeaderBlock(lines[index...].prefix(8)) { break }
            if let count = QuoteMarks.introduction(lines[index...].prefix(5), isQuoted[index...].prefix(8)) {
                index += count
                let next = lines[index...].firstIndex { !isBlank($0) } ?? lines.count
                // Answers below what they quote go on after it; without marks nobody knows where it ends.
                guard next < lines.count, isQuoted[next] else { break }
                index = next
                continue
            }
            kept.append(line)
            index += 1
        }
        while let last = kept.last, isBlank(last) || QuoteMarks.isDeviceSignature(last) { kept.removeLast() }
        return collapsed(kept)
    }

    private static func isBlank(_ line: Substring) -> Bool { line.allSatisfy { $0 == " " || $0 == "\t" } }

    private static func collapsed(_ lines: [Substring]) -> String {
        var result: [Substring] = []
        for line in lines where !(isBlank(line) && result.last.map(isBlank) == true) { result.append(line) }
        return result.joined(separator: "\n").trimmingLines
    }
}

extension InboundMail {
    /// What the sender has written: the text, or else the HTML as text, without what it quotes and without the signature.
    /// Empty if there is nothing left, as in a mail with a picture only.
    public var replyText: String {
        if let text, !text.allSatisfy(\.isWhitespace) {
            return ReplyText.visible(in: text)
        }
        guard let html else { return "" }
        return ReplyText.visible(in: HTMLText.plain(html, quotes: false))
    }
}
