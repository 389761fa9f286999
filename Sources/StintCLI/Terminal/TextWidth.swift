/// The width of text on a terminal. The C library's wcwidth(3) knows it in a UTF-8 locale only, and `LANG=C` is common
/// where workers run.
extension Character {
    /// 0 for marks that join what is before them, 2 for East Asian wide characters and emoji, else 1.
    var columns: Int { unicodeScalars.reduce(0) { max($0, $1.columns) } }
}

extension Unicode.Scalar {
    /// Blocks that are wide as a whole, after Unicode Standard Annex 11 (https://www.unicode.org/reports/tr11/).
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]

    fileprivate var columns: Int {
        if isASCII { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        // U+FE0F asks for the emoji form of what is before it, which is counted as it stands: terminals differ.
        return properties.isEmojiPresentation || Self.wide.contains { $0.contains(value) } ? 2 : 1
    }
}

extension String {
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// Its start, at most `limit` columns wide, with `…` if it was cut.
    func cut(toColumns limit: Int) -> String {
        guard columns > limit else { return self }
        return limit < 1 ? "" : Self(fitting(limit - 1)) + "…"
    }

    /// Its end, at most `limit` columns wide, with `…` if it was cut. For paths, in which the name matters most.
    func cutAtStart(toColumns limit: Int) -> String {
        guard columns > limit else { return self }
        return limit < 1 ? "" : "…" + Self(Self(reversed()).fitting(limit - 1).reversed())
    }

    private func fitting(_ limit: Int) -> Substring {
        var left = limit
        return prefix { character in
            left -= character.columns
            return left >= 0
        }
    }

    /// Padded with spaces to the width; wider text is unchanged.
    func padded(toColumns width: Int, alignedRight: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - columns))
        return alignedRight ? spaces + self : self + spaces
    }
}
