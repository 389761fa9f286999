import Testing

@testable import StintCore

@Suite("Each wrong field of a cron expression is named in one sentence")
struct CronFieldTests {
    private static let wrong: [(CronField, String)] = CronField.allCases.flatMap { field -> [(CronField, String)] in
        let (low, high) = (field.range.lowerBound, field.range.upperBound)
        return [
            "\(high + 1)", "\(low)-\(high + 1)", "\(high - 1)-\(low + 1)", "-1", "\(low)-", "-\(high)",
            "99999999999999999999",
            "*/0", "*/-1", "*/", "*/x", "*/\(high + 1)", "/2", "\(low)/", "\(low)/2/2", "\(low),", ",\(low)",
            "\(low),,\(high)",
            "x", "FOO", "1.5", "0x1", "1e1", "+1", "**", "*5", "5*", "L", "W", "\(low)W", "#", "\(low)#1", "?", "H",
            "R", "~",
            "\(low)~\(high)", "\u{661}", "JANUARY", "SUNDAY",
        ].map { (field, $0) } + (low > 0 ? [(field, "0"), (field, "0-5")] : [])
            + (field.names.isEmpty ? [(field, "JAN"), (field, "MON")] : [])
    }

    @Test("a value, a range, a step, a list, a name or a sign that does not fit, in each field")
    func fields() throws {
        for (field, text) in Self.wrong {
            var fields = Array(repeating: "*", count: 6)
            fields[CronField.allCases.firstIndex(of: field)!] = text
            let expression = fields.joined(separator: " ")
            let error = try #require(throws: StintError.self, "\(expression)") { try CronExpression(expression) }
            #expect(error.code == .invalidInput)
            let sentence = error.description
            #expect(sentence.hasPrefix("the \(field.name) '") && sentence.contains("'\(expression)'"), "\(sentence)")
            #expect(!sentence.contains("\n") && !sentence.hasSuffix("."), "\(sentence)")
        }
    }

    @Test(
        "the number of fields, and words that begin with @",
        arguments: [
            ("*", "1 field"), ("* *", "2 fields"), ("* * * *", "4 fields"), ("* * * * * * *", "7 fields"),
            ("@", "'@' is not known"), ("@reboot", "'@reboot' is not known"), ("@every 5m", "has 2 fields"),
            ("@daily *", "2 fields"), ("@dayly", "'@dayly' is not known"), ("", "0 fields"), ("   ", "0 fields"),
        ])
    func shape(_ expression: String, _ says: String) throws {
        let error = try #require(throws: StintError.self) { try CronExpression(expression) }
        #expect(error.code == .invalidInput && error.description.contains(says), "\(error)")
        #expect(error.description.hasPrefix("the cron expression '"))
    }
}
