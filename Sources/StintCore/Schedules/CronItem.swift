/// One item of a field's list: `*`, a number or name, or a range, each perhaps with a step.
struct CronItem {
    let values: StrideThrough<Int>

    init(_ text: Substring.UTF8View.SubSequence, _ field: CronField, in expression: String) throws {
        func reject(_ why: String) -> StintError {
            .invalidInput(
                "the \(field.name) \(quoted(String(Substring(text)))) of the cron expression \(quoted(expression)) \(why)"
            )
        }
        func value(_ text: Substring.UTF8View) throws -> Int {
            if let number = Self.number(text), field.range.contains(number) { return number }
            let upper = String(Substring(text)).uppercased()
            if let place = field.names.firstIndex(of: upper) { return field.range.lowerBound + place }
            if Self.number(text) == nil, let unknown = Self.unsupported(text) { throw reject(unknown) }
            throw reject("is not known: it must be \(field.expectation), a range, a list, or * with or without a step")
        }

        let parts = text.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        var step = 1
        if parts.count == 2 {
            let largest = field.range.upperBound - field.range.lowerBound
            guard let number = Self.number(parts[1]), (1...largest).contains(number) else {
                throw reject("has the step \(quoted(String(Substring(parts[1])))): it must be 1 to \(largest)")
            }
            step = number
        }
        // Both 0 and 7 are Sunday, and one is enough for a * and for a step without an end.
        let last = field == .dayOfWeek ? 6 : field.range.upperBound
        if parts[0].elementsEqual("*".utf8) {
            values = stride(from: field.range.lowerBound, through: last, by: step)
            return
        }
        let ends = parts[0].split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        let low = try value(ends[0])
        guard ends.count == 2 else {
            values = stride(from: low, through: parts.count == 2 ? max(low, last) : low, by: step)
            return
        }
        var high = try value(ends[1])
        // SAT-SUN
        if field == .dayOfWeek, high == 0, low > 0 { high = 7 }
        guard low <= high else {
            throw reject("is a range that runs backwards: write two ranges with a comma between them")
        }
        values = stride(from: low, through: high, by: step)
    }

    private static func number(_ text: Substring.UTF8View) -> Int? {
        guard (1...4).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(Substring(text))
    }

    /// Why a notation of other programs is refused.
    private static func unsupported(_ text: Substring.UTF8View) -> String? {
        func has(_ characters: String) -> Bool {
            text.contains { characters.utf8.contains($0) }
        }
        // Part of the names of a month or a day, so only next to numbers, or alone.
        func isOnly(_ letter: String) -> Bool {
            !text.isEmpty
                && text.allSatisfy { (0x30...0x39).contains($0) || letter.utf8.contains($0) }
        }
        if has("?") { return "uses '?', which Stint does not support: write '*'" }
        if has("#") {
            return
                "uses '#', which Stint does not support: write the days of the month and check the weekday in the handler"
        }
        if isOnly("Ll") {
            return
                "uses 'L', which Stint does not support: write 28-31 and check in the handler whether it is the last day"
        }
        if isOnly("Ww") || isOnly("LlWw") {
            return "uses 'W', which Stint does not support: write the days and check the weekday in the handler"
        }
        if isOnly("HhRr") || has("~") { return "is a random value, which Stint does not support: choose a number" }
        return nil
    }
}
