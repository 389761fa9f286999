import TestSupport

/// Values that programs trip over.
package enum Hostile {
    package static let numbers: [Int64] = [
        .min, .min + 1, .max, .max - 1, Int64(Int32.max), Int64(Int32.max) + 1, Int64(Int32.min), Int64(UInt32.max),
        Int64(UInt32.max) + 1, -1, 0, 1, 2, 1 << 53, -(1 << 53), .max / 1_000, .max / 1_000_000, .min / 2, .max / 2,
        253_402_300_800_000, 1_700_000_000_000,
    ]

    /// Valid UTF-8.
    package static let texts = [
        "", " ", "\0", "a\0b", "-", "--", "-q", "a b", "\t", "\n", "a\nb", "\r\n", "\u{1B}[2J\u{1B}]0;owned\u{07}",
        "\u{9B}31m", "\u{7F}", "\u{85}", "\u{2028}", "\u{2029}", "\u{202E}cipher", "\u{FEFF}", "\u{FFFD}", "\u{FFFF}",
        "ﷺ", "e\u{301}", String(repeating: "\u{301}", count: 100), "👩‍👩‍👧‍👦", "🏳️‍🌈", "ＡＢＣ", "../../etc/passwd",
        "/", ".", "%s%n%n", "$(id)", "`id`", "'; DROP TABLE stint_jobs; --", "\"", "\\", "{}", "[]", "null", "NaN",
        "1e999",
        "-0", "0x10", "٣", "999999999999999999999", "9223372036854775807", "-9223372036854775808", "a: b", ": ",
        "a:b\nc",
        "job-name: x", String(repeating: "x", count: 70_000), String(repeating: "ä", count: 201),
    ]

    /// Not UTF-8: stray and missing continuations, overlong forms, surrogates, past the last character.
    package static let brokenTexts: [[UInt8]] = [
        [0xFF], [0x80], [0xC3], [0x61, 0xE2, 0x82], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0x61, 0x3A, 0x20, 0xFF, 0x0A, 0xFE],
    ]

    package static func number(_ chance: inout SeededGenerator) -> Int64 {
        chance.oneIn(4) ? Int64(bitPattern: chance.next()) : chance.pick(numbers)
    }

    /// Bytes that may or may not be UTF-8.
    package static func text(_ chance: inout SeededGenerator) -> [UInt8] {
        switch chance.below(4) {
        case 0: chance.pick(brokenTexts)
        case 1: chance.bytes(chance.below(40))
        case 2: Array(chance.pick(texts).utf8) + Array(chance.pick(texts).utf8)
        default: Array(chance.pick(texts).utf8)
        }
    }
}
