/// Reads the contents of a zone file: TZif, RFC 8536.
struct TimeZoneFile {
    let changes: [(time: Int64, offset: Int64)]
    let firstOffset: Int64
    let rule: YearlyClockChange?

    /// The largest file that is read; those of the IANA have less than 4 KiB.
    static let maximumBytes = 1_048_576
    /// RFC 8536: -25 hours to 26 hours, without the ends.
    private static let offsets: Range<Int64> = -89_999..<93_600

    /// - Returns: `nil` if these are not the contents of a zone file, or if they count leap seconds.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.maximumBytes, let old = Header(bytes, at: 0) else { return nil }
        // Later versions have the same data with 32 bits, with 64 bits, and a rule.
        var header = old
        var timeSize = 4
        if old.version >= UInt8(ascii: "2") {
            guard let second = Header(bytes, at: old.end(timeSize: 4)) else { return nil }
            (header, timeSize) = (second, 8)
        }
        let end = header.end(timeSize: timeSize)
        guard end <= bytes.count, header.leapSeconds == 0, header.types > 0 else { return nil }

        func number(at offset: Int, size: Int) -> Int64 {
            let isNegative = bytes[offset] & 0x80 != 0
            return bytes[offset..<offset + size].reduce(isNegative ? -1 : 0) { $0 << 8 | Int64($1) }
        }
        let indexes = header.start + header.changes * timeSize
        let types = indexes + header.changes
        let offsets = (0..<header.types).map { number(at: types + $0 * 6, size: 4) }
        guard offsets.allSatisfy(Self.offsets.contains) else { return nil }
        var changes: [(time: Int64, offset: Int64)] = []
        for change in 0..<header.changes {
            let time = number(at: header.start + change * timeSize, size: timeSize)
            let type = Int(bytes[indexes + change])
            guard type < offsets.count, changes.last.map({ $0.time < time }) ?? true else { return nil }
            // Some files begin with the Big Bang.
            guard time > TimeZoneRules.Period.earliest else { continue }
            guard time < TimeZoneRules.Period.latest else { return nil }
            changes.append((time, offsets[type]))
        }
        self.changes = changes
        firstOffset = offsets[0]
        guard timeSize == 8 else {
            rule = nil
            return
        }
        let lines = bytes[end...].split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3, lines[0].isEmpty else { return nil }
        if lines[1].isEmpty {
            rule = nil
        } else {
            guard let rule = YearlyClockChange(Array(lines[1])) else { return nil }
            self.rule = rule
        }
    }

    private struct Header {
        static let size = 44

        let version: UInt8
        let start: Int
        let changes: Int
        let types: Int
        let leapSeconds: Int
        private let characters: Int
        private let standardMarks: Int
        private let utcMarks: Int

        init?(_ bytes: [UInt8], at offset: Int) {
            guard bytes.count - Self.size >= offset, bytes[offset...].starts(with: "TZif".utf8) else { return nil }
            func count(_ place: Int) -> Int {
                bytes[offset + 20 + place * 4..<offset + 24 + place * 4].reduce(0) { $0 << 8 | Int($1) }
            }
            // No count can be larger than the file, so sums stay small.
            guard (0..<6).allSatisfy({ count($0) <= bytes.count }) else { return nil }
            version = bytes[offset + 4]
            start = offset + Self.size
            (utcMarks, standardMarks, leapSeconds) = (count(0), count(1), count(2))
            (changes, types, characters) = (count(3), count(4), count(5))
        }

        /// Where the data ends.
        func end(timeSize: Int) -> Int {
            start + changes * (timeSize + 1) + types * 6 + characters + leapSeconds * (timeSize + 4) + standardMarks
                + utcMarks
        }
    }
}
