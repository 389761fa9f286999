import StintPlatform

/// What errors have in common that differ only in their variable parts: a pure function of an error's text.
///
/// | in the error | in the fingerprint |
/// |---|---|
/// | `10`, `-3.5`, `1,024`, `12:30:01`, `2026-11-26`, `10.0.0.7:25` | `<n>` |
/// | `0x7ffe01`, `9f86d081884c7d65` (8 hexadecimal digits or more, a numeral among them) | `<hex>` |
/// | `123e4567-e89b-12d3-a456-426614174000` | `<uuid>` |
/// | `"a text"`, `'a text'`, and the same between backquotes | `<text>` |
/// | `tmp.Xa9fK2` (6 letters and numerals or more, which change three times) | `tmp.<id>` |
/// | line breaks and several blanks | one blank |
///
/// In a path such as `/var/spool/4711/job-12.txt` these rules leave the constant parts: `/var/spool/<n>/job-<n>.txt`.
/// Only the first ``maximumBytesRead`` of an error count, and at most ``maximumBytes`` of its fingerprint.
public struct ErrorFingerprint: Sendable, Hashable {
    /// How much of an error is read, in bytes.
    public static let maximumBytesRead = 2_048
    /// The longest fingerprint, in bytes.
    public static let maximumBytes = 512

    public let text: String
    public let id: ErrorGroupID

    public init(_ error: String) {
        var error = error
        let bytes = error.withUTF8 { Normalizer.normalized(UnsafeRawBufferPointer($0)) }
        text = String(decoding: bytes, as: UTF8.self)
        id = ErrorGroupID(rawValue: Self.hash(bytes))
    }

    /// Of a buried job's error; see ``source(reason:latestError:)``.
    public init(burial reason: String, latestError: String?) {
        self.init(Self.source(reason: reason, latestError: latestError) ?? reason)
    }

    /// The part of a burial's reason, or of a job's latest error, that is fingerprinted. A burial after the last
    /// attempt is of that attempt's error, so that it is of the same group as the attempts before.
    ///
    /// - Parameters:
    ///   - reason: Why the job was buried; `nil` if it is not buried.
    ///   - latestError: The error of the last attempt that did not succeed.
    /// - Returns: `nil` if the job has no error.
    public static func source(reason: String?, latestError: String?) -> String? {
        guard let reason, let latestError else { return reason ?? latestError }
        let (whole, end) = (reason.utf8, ", last: \(latestError)".utf8)
        return whole.count >= end.count && whole.suffix(end.count).elementsEqual(end) ? latestError : reason
    }

    /// FNV-1a with the finishing steps of MurmurHash3. It is kept in files, so it never changes.
    private static func hash(_ bytes: [UInt8]) -> Int64 {
        var hash = FNV1a.hash(bytes)
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return Int64(bitPattern: hash ^ (hash >> 33))
    }
}

/// One pass over the bytes of an error. What is not ASCII is copied.
private struct Normalizer {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    private var result: [UInt8] = []

    static func normalized(_ error: UnsafeRawBufferPointer) -> [UInt8] {
        let length = wholeCharacters(error, upTo: ErrorFingerprint.maximumBytesRead)
        var normalizer = Normalizer(bytes: UnsafeRawBufferPointer(rebasing: error[..<length]))
        normalizer.run()
        while normalizer.result.last == 0x20 { normalizer.result.removeLast() }
        return normalizer.result.withUnsafeBytes {
            Array($0[..<wholeCharacters($0, upTo: ErrorFingerprint.maximumBytes)])
        }
    }

    private init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The number of bytes up to a limit that cuts no character in two.
    private static func wholeCharacters(_ bytes: UnsafeRawBufferPointer, upTo limit: Int) -> Int {
        guard bytes.count > limit else { return bytes.count }
        var end = limit
        while end > 0, bytes[end] & 0b1100_0000 == 0b1000_0000 { end -= 1 }
        return end
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) && byte < 0x80 }
    private static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x66).contains(byte | 0x20) }
    private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }

    private mutating func run() {
        while place < bytes.count, result.count <= ErrorFingerprint.maximumBytes {
            let byte = bytes[place]
            switch byte {
            case 0...0x20, 0x7F:
                if !result.isEmpty && result.last != 0x20 { result.append(0x20) }
                place += 1
            case 0x22, 0x27, 0x60: takeQuoted(byte)
            case let byte where Self.isWord(byte): takeWord()
            default:
                result.append(byte)
                place += 1
            }
        }
    }

    private mutating func put(_ placeholder: StaticString, to end: Int) {
        placeholder.withUTF8Buffer { result.append(contentsOf: $0) }
        place = end
    }

    /// A quoted text within a line. The apostrophe in "can't" opens none, nor does one that ends nowhere.
    private mutating func takeQuoted(_ quote: UInt8) {
        let isApostrophe = quote == 0x27 && place > 0 && Self.isWord(bytes[place - 1])
        var end = place + 1
        while !isApostrophe, end < bytes.count, bytes[end] != 0x0A {
            let closes = bytes[end] == quote
            if closes, quote != 0x27 || end + 1 == bytes.count || !Self.isWord(bytes[end + 1]) {
                return put("<text>", to: end + 1)
            }
            end += 1
        }
        result.append(quote)
        place += 1
    }

    private mutating func takeWord() {
        if let end = uuidEnd { return put("<uuid>", to: end) }
        if bytes[place] == 0x30, place + 2 < bytes.count, bytes[place + 1] | 0x20 == 0x78, Self.isHex(bytes[place + 2])
        {
            return put("<hex>", to: self.end(from: place + 2, while: Self.isHex))
        }
        let end = self.end(from: place, while: Self.isWord)
        let word = bytes[place..<end]
        if let number = numberEnd, number >= end { return put("<n>", to: number) }
        let digits = word.count { Self.isDigit($0) }
        if digits > 0, word.count >= 8, word.allSatisfy(Self.isHex) { return put("<hex>", to: end) }
        if word.count >= 6, changes(in: word) >= 3 { return put("<id>", to: end) }
        while place < end {
            if Self.isDigit(bytes[place]) {
                put("<n>", to: self.end(from: place, while: Self.isDigit))
            } else {
                result.append(bytes[place])
                place += 1
            }
        }
    }

    private func end(from start: Int, while isIn: (UInt8) -> Bool) -> Int {
        var end = start
        while end < bytes.count, isIn(bytes[end]) { end += 1 }
        return end
    }

    /// How often a letter follows a numeral or the other way round.
    private func changes(in word: Slice<UnsafeRawBufferPointer>) -> Int {
        zip(word, word.dropFirst()).count { Self.isDigit($0) != Self.isDigit($1) }
    }

    /// The end of a number that begins here: numerals with single `.`, `,`, `:`, `-`, `/` or `T` between them, as in
    /// amounts, times, dates and addresses.
    private var numberEnd: Int? {
        guard Self.isDigit(bytes[place]) else { return nil }
        var end = self.end(from: place, while: Self.isDigit)
        while end + 1 < bytes.count, [0x2E, 0x2C, 0x3A, 0x2D, 0x2F, 0x54].contains(bytes[end]),
            Self.isDigit(bytes[end + 1])
        {
            end = self.end(from: end + 1, while: Self.isDigit)
        }
        // The end of a time in UTC.
        if end < bytes.count, bytes[end] == 0x5A, end + 1 == bytes.count || !Self.isWord(bytes[end + 1]) { end += 1 }
        return end
    }

    private var uuidEnd: Int? {
        var end = place
        for (index, length) in [8, 4, 4, 4, 12].enumerated() {
            if index > 0 {
                guard end < bytes.count, bytes[end] == 0x2D else { return nil }
                end += 1
            }
            guard end + length <= bytes.count, bytes[end..<end + length].allSatisfy(Self.isHex) else { return nil }
            end += length
        }
        return end < bytes.count && Self.isWord(bytes[end]) ? nil : end
    }
}
