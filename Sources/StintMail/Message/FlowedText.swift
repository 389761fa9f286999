/// Plain text as `format=flowed` (RFC 3676): a line that ends with a space goes on in the next one, so readers fit
/// paragraphs to their width, and others see lines of normal length.
enum FlowedText {
    /// A line is broken at a space before it would be longer. A longer word stays whole.
    static let width = 72

    /// - Parameter text: With LF, CRLF or CR at the ends of lines.
    /// - Returns: With LF, also at the end.
    static func encode(_ text: String) -> String {
        var result = ""
        var lines = MailLines.split(text)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for line in lines { flow(line, into: &result) }
        return result
    }

    private static func flow(_ line: Substring.UTF8View, into result: inout String) {
        // The mark of a signature is the one line that ends with a space and does not go on.
        if line.elementsEqual("-- ".utf8) {
            result += "-- \n"
            return
        }
        var rest = line
        while rest.last == 0x20 { rest = rest.dropLast() }
        repeat {
            let piece = String(Substring(rest.prefix(lengthOfLine(rest))))
            rest = rest.dropFirst(piece.utf8.count)
            // A space before what would be a space, a quotation, or "From ", which mailboxes change.
            if [" ", ">", "From "].contains(where: { piece.utf8.starts(with: $0.utf8) })
                || piece.utf8.elementsEqual("-- ".utf8)
            {
                result += " "
            }
            result += piece + "\n"
        } while !rest.isEmpty
    }

    /// Up to and with the last space that fits, or the first one after that, if what follows is not only spaces.
    private static func lengthOfLine(_ line: Substring.UTF8View) -> Int {
        guard line.count > width else { return line.count }
        var last: Int?
        for (index, byte) in line.enumerated() where byte == 0x20 {
            if index >= width, last != nil { break }
            last = index + 1
            if index >= width { break }
        }
        return last ?? line.count
    }
}

/// The lines of a text.
enum MailLines {
    /// Without their ends, which are LF, CRLF or CR.
    static func split(_ text: String) -> [Substring.UTF8View] {
        let bytes = text.utf8
        var lines: [Substring.UTF8View] = []
        var start = bytes.startIndex
        var index = start
        while index < bytes.endIndex {
            let byte = bytes[index]
            let next = bytes.index(after: index)
            if byte == 0x0A || byte == 0x0D {
                lines.append(text[start..<index].utf8)
                start = next
                if byte == 0x0D, next < bytes.endIndex, bytes[next] == 0x0A { start = bytes.index(after: next) }
                index = start
            } else {
                index = next
            }
        }
        lines.append(text[start...].utf8)
        return lines
    }

    /// With CRLF at the end of each line, as SMTP wants it, whatever it was before.
    ///
    /// - Parameter isMessage: Before the first empty line, a CR alone becomes a space: what follows it must not become
    ///   a header.
    static func withCRLF(_ bytes: some Collection<UInt8>, isMessage: Bool = false) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 40 + 2)
        var isHeader = isMessage
        var isLineEmpty = true
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            bytes.formIndex(after: &index)
            let isCRLF = byte == 0x0D && index < bytes.endIndex && bytes[index] == 0x0A
            if byte == 0x0A || isCRLF || byte == 0x0D && !isHeader {
                if isCRLF { bytes.formIndex(after: &index) }
                result += [0x0D, 0x0A]
                if isLineEmpty { isHeader = false }
                isLineEmpty = true
            } else {
                result.append(byte == 0x0D ? 0x20 : byte)
                isLineEmpty = false
            }
        }
        if !result.isEmpty, result.last != 0x0A { result += [0x0D, 0x0A] }
        return result
    }
}
