/// Plain text as `format=flowed` (RFC 3676): a line that ends with a space goes on in the next one, so readers fit
/// paragraphs to their width, and others see lines of normal length.
enum FlowedText {
    /// A line is broken at a space before it would be longer. A longer word stays whole.
    static let width = 72

    /// - Parameter text: With LF, CRLF or CR at the ends of lines.
    /// - Returns: With LF, also at the end.
    static func encode(_ text: String) -> [UInt8] {
        let bytes = MailLines.withLF(text)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 40 + 2)
        var rest = bytes[...]
        while !rest.isEmpty {
            let line = rest.prefix { $0 != 0x0A }
            rest = rest[line.endIndex...].dropFirst()
            flow(line, into: &result)
        }
        return result
    }

    private static let signature = Array("-- ".utf8)
    private static let from = Array("From ".utf8)

    private static func flow(_ line: ArraySlice<UInt8>, into result: inout [UInt8]) {
        // The mark of a signature is the one line that ends with a space and does not go on.
        if line.elementsEqual(signature) {
            result += line
            result.append(0x0A)
            return
        }
        var rest = line
        while rest.last == 0x20 { rest.removeLast() }
        repeat {
            let piece = rest.prefix(lengthOfLine(rest))
            rest = rest.dropFirst(piece.count)
            // A space before what would be a space, a quotation, or "From ", which mailboxes change.
            if piece.first == 0x20 || piece.first == UInt8(ascii: ">") || piece.starts(with: from)
                || piece.elementsEqual(signature)
            {
                result.append(0x20)
            }
            result += piece
            result.append(0x0A)
        } while !rest.isEmpty
    }

    /// Up to and with the last space that fits, or the first one after that, if what follows is not only spaces.
    private static func lengthOfLine(_ line: ArraySlice<UInt8>) -> Int {
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
