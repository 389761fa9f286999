/// Gives all lines of a mail the end CR LF, as they are on the wire.
package enum LineEnds {
    /// LF ends a line, also with any number of CR before it: programs that add CR twice do not make lines of their own. A CR
    /// alone is a space in a header, where as a line end it would begin another header, and a line end in the body.
    package static func normalized(_ text: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + text.count / 32)
        var returns = 0
        // Where the line began, and whether an empty line has ended the headers.
        var (lineStart, isHeader) = (0, true)
        func flushReturns(_ bytes: inout [UInt8]) {
            guard returns > 0 else { return }
            bytes += isHeader ? [0x20] : [0x0D, 0x0A]
            returns = 0
        }
        for byte in text {
            switch byte {
            case 0x0D: returns += 1
            case 0x0A:
                returns = 0
                if bytes.count == lineStart { isHeader = false }
                bytes += [0x0D, 0x0A]
                lineStart = bytes.count
            default:
                flushReturns(&bytes)
                bytes.append(byte)
            }
        }
        flushReturns(&bytes)
        if let last = bytes.last, last != 0x0A { bytes += [0x0D, 0x0A] }
        return bytes
    }
}
