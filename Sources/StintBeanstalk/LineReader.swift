import StintCore

/// Reads what follows the name of a command as beanstalkd reads it: numbers as C's `strtoumax` does, after any number of
/// spaces.
struct LineReader {
    private var rest: ArraySlice<UInt8>

    init(_ rest: ArraySlice<UInt8>) {
        self.rest = rest
    }

    var isAtEnd: Bool { rest.isEmpty }

    private mutating func skipSpaces() { rest = rest.drop { $0 == 0x20 } }

    /// Digits, which end where something else begins.
    private mutating func number() -> UInt64? {
        skipSpaces()
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return Self.value(digits)
    }

    /// `nil`: more than 64 bits.
    private static func value(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = product.addingReportingOverflow(UInt64(digit - 0x30))
            if isTooLarge || overflows { return nil }
            value = sum
        }
        return value
    }

    mutating func number32() -> UInt32? { number().flatMap(UInt32.init(exactly:)) }

    /// No job has an id beyond 63 bits, and none has the largest of them.
    mutating func id() -> JobID? { number().map { JobID(rawValue: Int64(clamping: $0)) } }

    mutating func lastID() -> JobID? {
        guard let id = id(), isAtEnd else { return nil }
        return id
    }

    /// A number as C's `strtol` and `strtoul` read it.
    enum LooseNumber {
        /// Its lowest bits.
        case value(UInt64)
        case none, outOfRange
    }

    /// Two commands of beanstalkd read their number so: white space, a sign, digits, and whatever follows.
    mutating func looseNumber(isSigned: Bool) -> LooseNumber {
        rest = rest.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return .none }
        guard let value = Self.value(digits), !isSigned || value <= UInt64(Int64.max) + (isNegative ? 1 : 0) else {
            return .outOfRange
        }
        return .value(isNegative ? 0 &- value : value)
    }

    /// What comes before the next space, after any number of them.
    mutating func word() -> ArraySlice<UInt8>? {
        skipSpaces()
        let word = rest.prefix { $0 != 0x20 }
        guard !word.isEmpty else { return nil }
        rest = rest.dropFirst(word.count)
        return word
    }

    /// All of the rest.
    func tube() -> QueueName? { TubeName.read(rest) }
}

/// The names that beanstalkd allows: a subset of those of queues.
enum TubeName {
    /// What is allowed beside letters and digits.
    static let punctuation = "-+/;.$_()"

    /// `nil` if it is none.
    static func read(_ bytes: ArraySlice<UInt8>) -> QueueName? {
        guard (1...QueueName.maximumBytes).contains(bytes.count), bytes.first != UInt8(ascii: "-"),
            hasOnlyAllowedBytes(bytes)
        else { return nil }
        // All names of this alphabet are names of queues.
        return try? QueueName(String(decoding: bytes, as: UTF8.self))
    }

    static func hasOnlyAllowedBytes(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy(isAllowed) }

    static func isTube(_ name: QueueName) -> Bool { name.description.utf8.allSatisfy(isAllowed) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: punctuation.utf8.contains(byte)
        }
    }
}
