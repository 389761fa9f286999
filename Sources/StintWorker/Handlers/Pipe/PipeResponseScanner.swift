import StintCore

/// Finds which job an answer is for without keeping the answer: reads one JSON object byte by byte and keeps its
/// top-level integers `id` and `token`. It does not notice errors elsewhere in the line.
struct PipeResponseScanner {
    /// Longer numbers and names are not the ones it looks for.
    private static let longestToken = 32

    /// The start of the line, for error messages.
    let start: [UInt8]
    /// The length so far, in bytes.
    private(set) var length = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The top-level string or number that is being read, cut if it is too long.
    private var token: [UInt8] = []
    private var isString = false
    /// The name of the next value.
    private var name: [UInt8] = []
    private var id: Int64?
    private var fence: Int64?

    init(start: some Sequence<UInt8>) {
        self.start = Array(start)
    }

    /// Whether the line can be an answer, judging by its first bytes.
    var isObject: Bool { start.first { ![0x20, 0x09, 0x0D].contains($0) } == UInt8(ascii: "{") }

    /// The lease, if the object has ended and has both numbers.
    var lease: Lease? {
        guard let id, let fence, depth == 0 else { return nil }
        return Lease(job: JobID(rawValue: id), token: FencingToken(rawValue: fence))
    }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        length += bytes.count
        // Most of a long answer is one long string.
        bytes.withUnsafeBufferPointer { for byte in $0 { take(byte) } }
    }

    private mutating func take(_ byte: UInt8) {
        guard !isInString else { return takeInString(byte) }
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            token = []
            isString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            endValue()
            depth -= 1
        case UInt8(ascii: ","): endValue()
        case UInt8(ascii: ":"):
            if depth == 1 { name = token }
            token = []
            isString = false
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
        default: keep(byte)
        }
    }

    private mutating func takeInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
            keep(byte)
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
            keep(byte)
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        } else {
            keep(byte)
        }
    }

    private mutating func keep(_ byte: UInt8) {
        if depth == 1 && token.count < Self.longestToken { token.append(byte) }
    }

    private mutating func endValue() {
        guard depth == 1 else { return }
        let number = isString ? nil : Int64(String(decoding: token, as: UTF8.self))
        // The first value counts.
        if name.elementsEqual("id".utf8) { id = id ?? number }
        if name.elementsEqual("token".utf8) { fence = fence ?? number }
        (name, token, isString) = ([], [], false)
    }
}
