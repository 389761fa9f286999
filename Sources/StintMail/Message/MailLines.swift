/// The lines of a text.
enum MailLines {
    /// With LF in place of CRLF and CR.
    static func withLF(_ text: String) -> [UInt8] { withLF(Array(text.utf8)) }

    static func withLF(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(0x0D) else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0x0D {
                result.append(0x0A)
            } else if byte != 0x0A || previous != 0x0D {
                result.append(byte)
            }
            previous = byte
        }
        return result
    }

    /// With CRLF at the end of each line, as SMTP wants it, whatever it was before.
    ///
    /// - Parameter isMessage: Before the first empty line, a CR alone becomes a space: what follows it must not become
    ///   a header.
    static func withCRLF(_ bytes: [UInt8], isMessage: Bool = false) -> [UInt8] {
        bytes.withUnsafeBufferPointer { hasCRLF($0) ? bytes : withCRLF($0, isMessage: isMessage) }
    }

    /// Whether each line ends with CRLF already.
    private static func hasCRLF(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for byte in bytes {
            guard (byte == 0x0A) == (previous == 0x0D) else { return false }
            previous = byte
        }
        return bytes.isEmpty || previous == 0x0A
    }

    static func withCRLF(_ bytes: UnsafeBufferPointer<UInt8>, isMessage: Bool = false) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 30 + 2)
        var isHeader = isMessage
        var start = 0
        var index = 0
        /// The bytes since the last end of a line, which have neither CR nor LF.
        func add(until end: Int) { result += UnsafeBufferPointer(rebasing: bytes[start..<end]) }
        // Whether the line has nothing so far; a CR that became a space counts as something.
        var isLineEmpty = true
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == 0x0A || byte == 0x0D else {
                index += 1
                continue
            }
            if index > start { isLineEmpty = false }
            add(until: index)
            let isCRLF = byte == 0x0D && index + 1 < bytes.count && bytes[index + 1] == 0x0A
            if byte == 0x0A || isCRLF || !isHeader {
                result += [0x0D, 0x0A]
                if isLineEmpty { isHeader = false }
                isLineEmpty = true
            } else {
                result.append(0x20)
                isLineEmpty = false
            }
            index += isCRLF ? 2 : 1
            start = index
        }
        add(until: bytes.count)
        if !result.isEmpty, result.last != 0x0A { result += [0x0D, 0x0A] }
        return result
    }
}
