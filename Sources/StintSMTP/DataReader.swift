/// Reads a mail as DATA sends it, up to the line that is only a dot. Only CR LF ends a line, and only `CR LF . CR LF` ends
/// the mail: a bare LF or CR is a byte of it. So no byte that one server takes for a part of a mail is a command for this one
/// (SMTP smuggling).
struct DataReader: Sendable {
    private enum Place {
        /// After CR LF, and at the beginning.
        case lineStart
        /// After a dot at the beginning of a line, which is not kept.
        case dot
        /// After such a dot and CR.
        case dotCR
        case text
        case cr
    }

    /// The mail without the dots that were added to its lines.
    private(set) var bytes: [UInt8] = []
    /// Whether a line ends with LF alone, or a CR has no LF after it. Other servers refuse such mails.
    private(set) var hasBareLineEnds = false
    /// Why the mail is not kept. Its bytes are read all the same.
    private(set) var refusal: SMTPReply?
    private let limit: Int
    private var place = Place.lineStart

    init(limit: Int) {
        self.limit = limit
    }

    /// Keeps nothing of the mail.
    mutating func refuse(_ reply: SMTPReply) {
        refusal = refusal ?? reply
        bytes = []
    }

    /// - Returns: How many of the bytes were read, and whether the mail has ended with the last of them.
    mutating func read(_ input: UnsafeBufferPointer<UInt8>) -> (count: Int, isAtEnd: Bool) {
        var index = 0
        while index < input.count {
            switch place {
            case .text: index = readText(input, from: index)
            case .lineStart:
                if input[index] == UInt8(ascii: ".") {
                    place = .dot
                    index += 1
                } else {
                    place = .text
                }
            case .dot:
                if input[index] == 0x0D {
                    place = .dotCR
                    index += 1
                } else {
                    place = .text
                }
            case .dotCR:
                if input[index] == 0x0A { return (index + 1, true) }
                // The dot was added to a line that begins with CR.
                keep(0x0D)
                place = .cr
            case .cr:
                if input[index] == 0x0A {
                    keep(0x0A)
                    place = .lineStart
                    index += 1
                } else {
                    hasBareLineEnds = true
                    place = .text
                }
            }
        }
        return (index, false)
    }

    /// Keeps the text up to the next CR, and that.
    private mutating func readText(_ input: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var end = start
        while end < input.count, input[end] != 0x0D {
            if input[end] == 0x0A { hasBareLineEnds = true }
            end += 1
        }
        keep(input[start..<end])
        guard end < input.count else { return end }
        keep(0x0D)
        place = .cr
        return end + 1
    }

    private mutating func keep(_ byte: UInt8) {
        guard hasRoom(for: 1) else { return }
        bytes.append(byte)
    }

    private mutating func keep(_ slice: Slice<UnsafeBufferPointer<UInt8>>) {
        guard hasRoom(for: slice.count) else { return }
        bytes += slice
    }

    private mutating func hasRoom(for count: Int) -> Bool {
        guard refusal == nil else { return false }
        guard bytes.count + count <= limit else {
            refuse(.tooLarge(limit))
            return false
        }
        return true
    }
}
