/// The lines that `put --lines` reads, and how many of them are perhaps not what their author thinks.
struct LineCounts {
    /// Whether blank lines are left out, and white space is taken off the ends of the others.
    let trims: Bool

    /// How many were read.
    private(set) var all = 0
    /// With nothing in them but white space.
    private var blank = 0
    /// With a carriage return at the end, as files from Windows have them.
    private var withReturn = 0
    private var trimmed = 0

    init(trims: Bool) {
        self.trims = trims
    }

    /// - Returns: The job's payload; `nil` where the line is left out.
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

    /// What to say of them in the end; `nil` where there is nothing.
    var remark: String? {
        func lines(_ count: Int, _ one: String, _ many: String) -> String? {
            count == 0 ? nil : count == 1 ? "1 line \(one)" : "\(count) lines \(many)"
        }
        if trims {
            let parts = [
                lines(blank, "was blank and was left out", "were blank and were left out"),
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
            + ": they were put as they stand; --trim leaves blank lines out and takes white "
            + "space off the ends of the others"
    }
}
