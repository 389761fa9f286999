/// Counts the lines that `put --lines` reads, and those that are perhaps not intended.
struct LineCounts {
    /// Whether blank lines are skipped, and white space at the ends of the others is removed.
    let trims: Bool

    /// The number of lines that were read.
    private(set) var all = 0
    /// Lines that have only white space.
    private var blank = 0
    /// Lines that end with a carriage return, as in files from Windows.
    private var withReturn = 0
    private var trimmed = 0

    init(trims: Bool) {
        self.trims = trims
    }

    /// - Returns: The job's payload; `nil` if the line is skipped.
    mutating func payload(of line: [UInt8]) -> [UInt8]? {
        all += 1
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
        let content = line.drop(while: isSpace)
        if content.isEmpty { blank += 1 } else if line.last == 0x0D { withReturn += 1 }
        guard trims else { return line }
        guard let last = content.lastIndex(where: { !isSpace($0) }) else { return nil }
        let result = content[...last]
        if result.count < line.count { trimmed += 1 }
        return Array(result)
    }

    /// The remark at the end of the command; `nil` if there is none.
    var remark: String? {
        func lines(_ count: Int, _ one: String, _ many: String) -> String? {
            count == 0 ? nil : count == 1 ? "1 line \(one)" : "\(count) lines \(many)"
        }
        if trims {
            let parts = [
                lines(blank, "was blank and was skipped", "were blank and were skipped"),
                lines(trimmed, "was trimmed", "were trimmed"),
            ].compactMap(\.self)
            return parts.isEmpty ? nil : parts.joined(separator: ", ")
        }
        let parts = [
            lines(blank, "is blank", "are blank"),
            lines(withReturn, "ends with a carriage return", "end with a carriage return"),
        ].compactMap(\.self)
        guard !parts.isEmpty else { return nil }
        return parts.joined(separator: ", ")
            + ": they were put unchanged; --trim skips blank lines and removes white "
            + "space at the ends of the others"
    }
}
