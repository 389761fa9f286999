/// What a mail may have to be read by GMime. It is counted before, in one pass over the bytes, so that a mail that was made
/// to take much memory, time or stack takes none.
package enum MailLimits {
    /// The most lines of headers at the beginning.
    static let mostHeaderLines = 2_000
    static let mostHeaderBytes = 262_144
    /// The most lines of headers of the mail and of all its parts, and what may be such lines.
    static let mostHeaderLinesOfAll = 10_000
    static let mostHeaderBytesOfAll = 1_048_576
    /// The most parts that name their type; only such a part has parts of its own.
    static let mostParts = 250
    /// The most lines that may separate parts.
    static let mostSeparators = 20_000

    /// Why a mail is not read, as a sentence without its end; `nil`: it is read.
    package static func problem(of mail: [UInt8]) -> String? {
        mail.withUnsafeBufferPointer { bytes in
            var headers = HeaderLines()
            var (parts, separators) = (0, 0)
            var start = 0
            while start < bytes.count {
                let end = lineEnd(bytes, from: start)
                let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
                if let problem = headers.problem(with: line) { return problem }
                if hasPrefix(line, "content-type") {
                    parts += 1
                    guard parts <= mostParts else {
                        return "It has more than \(mostParts) parts"
                    }
                } else if line.count >= 2, line[0] == UInt8(ascii: "-"), line[1] == UInt8(ascii: "-") {
                    separators += 1
                    guard separators <= mostSeparators else {
                        return "It has more than \(mostSeparators) lines that may separate parts"
                    }
                }
                start = end + 1
            }
            return nil
        }
    }

    /// Counts the lines of headers: those at the beginning, and those after each line that may separate parts, up to an
    /// empty line. After the header of a part that is a mail, the mail has one of its own.
    private struct HeaderLines {
        private var isHeader = true
        private var isFirst = true
        private var isBlockEmpty = true
        private var lines = 0
        private var bytes = 0
        /// Within a `Content-Type`, which may have several lines.
        private var isType = false
        /// The type of this part is one of a mail.
        private var isMail = false
        /// There is a multipart/digest, whose parts are mails without saying so.
        private var isDigest = false

        /// Why a mail with this line is not read.
        mutating func problem(with line: UnsafeBufferPointer<UInt8>) -> String? {
            if line.count >= 2, line[0] == UInt8(ascii: "-"), line[1] == UInt8(ascii: "-"), !isFirst {
                (isHeader, isBlockEmpty, isType, isMail) = (true, true, false, isDigest)
                return nil
            }
            guard isHeader else { return nil }
            if line.isEmpty || line.count == 1 && line[0] == 0x0D {
                endBlock()
                return nil
            }
            isBlockEmpty = false
            lines += 1
            let count = bytes + line.count
            bytes = count + 1
            let (mostLines, mostBytes) =
                isFirst
                ? (MailLimits.mostHeaderLines, MailLimits.mostHeaderBytes)
                : (MailLimits.mostHeaderLinesOfAll, MailLimits.mostHeaderBytesOfAll)
            guard lines <= mostLines, count <= mostBytes else {
                let what = lines > mostLines ? "\(mostLines) lines" : "\(mostBytes) bytes"
                return "\(isFirst ? "Its headers" : "The headers of its parts") have more than \(what)"
            }
            readType(line)
            return nil
        }

        private mutating func endBlock() {
            isType = false
            if isMail {
                // Empty lines before the headers of the inner mail do not end them.
                if !isBlockEmpty { (isMail, isBlockEmpty) = (false, true) }
            } else {
                isHeader = false
            }
            isFirst = false
        }

        private mutating func readType(_ line: UnsafeBufferPointer<UInt8>) {
            if line[0] != 0x20, line[0] != 0x09 { isType = MailLimits.hasPrefix(line, "content-type") }
            guard isType else { return }
            var type = line
            // Parameters, such as a name, say nothing of this. But a comment may have a semicolon.
            if !line.contains(UInt8(ascii: "(")), let end = line.firstIndex(of: UInt8(ascii: ";")) {
                type = UnsafeBufferPointer(rebasing: line[..<end])
                isType = false
            }
            if MailLimits.contains(type, "message") { isMail = true }
            if MailLimits.contains(type, "digest") { isDigest = true }
        }
    }

    /// - Parameter word: In small letters.
    private static func contains(_ line: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        guard line.count >= word.utf8CodeUnitCount else { return false }
        return (0...line.count - word.utf8CodeUnitCount).contains(where: { start in
            hasPrefix(UnsafeBufferPointer(rebasing: line[start...]), word)
        })
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
