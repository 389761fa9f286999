import Foundation
import StintPlatform
import Subprocess
import TestSupport
import Testing

@testable import StintCore

/// `make test` installs croniter; see Tests/Croniter.
@Suite(
    "Cron expressions tick as croniter says, but for the differences that docs/schedules.md lists",
    .enabled(if: Croniter.isInstalled, "croniter is not installed: run Tests/Croniter/setup"))
struct CroniterTests {
    /// `STINT_CRONITER_CASES=100000 swift test …` compares for longer.
    private static let cases =
        ProcessInfo.processInfo.environment["STINT_CRONITER_CASES"].flatMap { Int($0) } ?? 1_500

    private static let zones = [
        "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "America/Havana",
        "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "Asia/Tehran", "Africa/Casablanca", "Asia/Pyongyang",
        "America/Caracas", "Pacific/Kiritimati",
    ]

    @Test("random expressions, zones and times from 1990 to 2037")
    func times() async throws {
        var generator = SeededGenerator(seed: chosenSeed())
        let zones = try Dictionary(uniqueKeysWithValues: Self.zones.map { ($0, try TimeZoneRules(named: $0)) })
        var cases: [Croniter.Case] = []
        var expected: [[Int64]] = []
        while cases.count < Self.cases {
            let zone = zones[Self.zones.randomElement(using: &generator)!]!
            let (start, hour) = Self.start(in: zone, using: &generator)
            let random = RandomExpression(around: hour, using: &generator)
            let expression: CronExpression
            do { expression = try CronExpression(random.text) } catch {
                // The only reason that a random expression of these has.
                #expect("\(error)".contains("never comes"), "\(error)")
                continue
            }
            var ticks: [Int64] = []
            for _ in 0..<8 {
                guard let next = expression.next(from: (ticks.last ?? start) + 1, in: zone) else { break }
                ticks.append(next)
            }
            guard let until = ticks.last, until - start < 12 * 366 * 86_400 else { continue }
            cases.append(Croniter.Case(cron: random.croniters, zone: zone.name, start: start, until: until))
            expected.append(ticks)
        }
        let answers = try await Croniter.answers(cases)
        try #require(answers.count == cases.count)
        var differences = 0
        for ((item, ticks), answer) in zip(zip(cases, expected), answers) {
            #expect(answer.error == nil, "\(item)")
            #expect(answer.stint == ticks, "\(item)")
            for tick in Set(answer.croniter ?? []).symmetricDifference(ticks) {
                differences += 1
                #expect(answer.explains(tick, of: item), "\(tick) in \(item): \(ticks) \(answer)")
            }
        }
        print("\(cases.count) cases, \(differences) ticks differ from croniter's own for daylight saving")
    }

    @Test("what croniter refuses is refused, and what it accepts is accepted, but for a list of notations")
    func validity() async throws {
        var generator = SeededGenerator(seed: chosenSeed())
        let texts = (0..<Self.cases).map { _ in RandomExpression.broken(using: &generator) }
        let answers = try await Croniter.answers(texts.map { Croniter.Case(cron: $0) })
        try #require(answers.count == texts.count)
        for (text, answer) in zip(texts, answers) {
            do {
                _ = try CronExpression(text)
                // White space around a name such as @daily, as around fields.
                let isName = text.trimmingCharacters(in: .whitespaces).hasPrefix("@") && text.contains(where: \.isWhitespace)
                #expect(answer.error == nil || isName, "only croniter refuses \(text)")
            } catch {
                guard answer.error == nil else { continue }
                let reasons = [
                    "does not support", "runs backwards", "has the step", "never comes", "has 7 fields",
                ]
                // A range down to 0 goes round for croniter, also in fields without a 0.
                #expect(
                    text.contains("-0") || reasons.contains { "\(error)".contains($0) },
                    "only Stint refuses \(text): \(error)")
            }
        }
    }

    /// Most of them are within two days of a change of the clock, and have the hour of the change.
    private static func start(
        in zone: TimeZoneRules, using generator: inout SeededGenerator
    ) -> (time: Int64, hour: Int?) {
        let start = Int64.random(in: 631_152_000..<2_145_916_800, using: &generator)
        let period = zone.period(at: start)
        guard Int.random(in: 0..<3, using: &generator) > 0, period.end < 2_145_916_800 else { return (start, nil) }
        let hour = Int((period.end - 1 + period.offset).remainder(by: 86_400) / 3_600)
        return (period.end + .random(in: -2 * 86_400...86_400, using: &generator), hour)
    }
}

/// An expression, and the same in croniter's words.
private struct RandomExpression {
    let text: String
    let croniters: String

    /// - Parameter hour: For many that come in this hour or the next.
    init(around hour: Int? = nil, using generator: inout SeededGenerator) {
        if Int.random(in: 0..<40, using: &generator) == 0 {
            text = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly"].randomElement(using: &generator)!
            croniters = text
            return
        }
        let hasSeconds = Int.random(in: 0..<4, using: &generator) == 0
        var fields = CronField.allCases.dropFirst(hasSeconds ? 0 : 1).map {
            Self.field($0, hasSeconds, using: &generator)
        }
        if let hour, Int.random(in: 0..<3, using: &generator) > 0 {
            let next = (hour + 1) % 24
            fields[hasSeconds ? 2 : 1] = [
                "\(hour)", "\(next)", "\(min(hour, next)),\(max(hour, next))", "*", "*/2", "0-23",
            ].randomElement(using: &generator)!
            // On most days.
            if Bool.random(using: &generator) { fields.replaceSubrange((fields.count - 3)..., with: ["*", "*", "*"]) }
        }
        text = fields.joined(separator: " ")
        croniters = zip(CronField.allCases.dropFirst(hasSeconds ? 0 : 1), fields).map(Self.translated).joined(
            separator: " ")
    }

    private static func field(_ field: CronField, _ hasSeconds: Bool, using generator: inout SeededGenerator) -> String
    {
        // Each second of each hour would only take time.
        let isCoarse = hasSeconds && (field == .minute || field == .hour)
        let stars: Int =
            switch field {
            case .second: 1
            case .minute: 2
            case .hour: 4
            case .dayOfMonth, .dayOfWeek: 5
            case .month: 7
            }
        if !isCoarse || field == .hour, Int.random(in: 0..<10, using: &generator) < stars { return "*" }
        let count = [1, 1, 1, 2, 3].randomElement(using: &generator)!
        return (0..<count).map { _ in item(field, isCoarse, using: &generator) }.joined(separator: ",")
    }

    private static func item(_ field: CronField, _ isCoarse: Bool, using generator: inout SeededGenerator) -> String {
        func value(_ range: ClosedRange<Int>) -> (Int, String) {
            let value = Int.random(in: range, using: &generator)
            let place = value - field.range.lowerBound
            guard field.names.indices.contains(place), Bool.random(using: &generator) else {
                return (value, "\(value)")
            }
            let name = field.names[place]
            return (value, Bool.random(using: &generator) ? name : name.lowercased())
        }
        let step = "/\(Int.random(in: 1...(field.range.upperBound - field.range.lowerBound), using: &generator))"
        switch Int.random(in: 0..<(isCoarse ? 3 : 10), using: &generator) {
        case 0...3: return value(field.range).1
        case 4: return "*" + (Bool.random(using: &generator) ? step : "")
        case 5: return value(field.range.lowerBound...(field == .dayOfWeek ? 6 : field.range.upperBound)).1 + step
        default:
            let low = value(field.range)
            let high = value(low.0...field.range.upperBound)
            return "\(low.1)-\(high.1)" + (Bool.random(using: &generator) ? step : "")
        }
    }

    /// Three notations mean something else to croniter.
    private static func translated(_ field: CronField, _ text: String) -> String {
        let items = text.split(separator: ",").map { item -> String in
            let parts = item.split(separator: "/")
            let ends = parts[0].split(separator: "-").map { value in
                field.names.firstIndex(of: value.uppercased()).map { $0 + field.range.lowerBound } ?? Int(value)
            }
            // A range from a number to itself is the whole field.
            if ends.count == 2, ends[0] == ends[1] { return "\(ends[0]!)" }
            // 7 is 0 for it, so that a range to 7 runs backwards, and skips other days with a step.
            if field == .dayOfWeek, ends.count == 2, ends[1] == 7 || ends[1] == 0, let low = ends[0] {
                let step = parts.count == 2 ? Int(parts[1])! : 1
                return stride(from: low, through: 7, by: step).map { "\($0 % 7)" }.joined(separator: ",")
            }
            return String(item)
        }
        // A * that is not at the beginning makes it a wildcard.
        let all = "\(field.range.lowerBound)-\(field == .dayOfWeek ? 6 : field.range.upperBound)"
        return items.map { text.hasPrefix("*") ? $0 : $0.replacing("*", with: all) }.joined(separator: ",")
    }

    /// One with an error, mostly.
    static func broken(using generator: inout SeededGenerator) -> String {
        var text = Array(RandomExpression(using: &generator).text.unicodeScalars)
        let characters = Array("0123456789*/,-- LW#?HR~@.:aäJANsun\t".unicodeScalars)
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<text.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: text[place] = characters.randomElement(using: &generator)!
            case 1: text.insert(characters.randomElement(using: &generator)!, at: place)
            default: if text.count > 1 { text.remove(at: place) }
            }
        }
        return String(String.UnicodeScalarView(text))
    }
}

/// The program of Tests/Croniter.
private enum Croniter {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let python = root.appending(path: ".build/croniter-venv/bin/python3").path
    static let isInstalled = FileManager.default.fileExists(
        atPath: root.appending(path: ".build/croniter-venv/requirements.txt").path)

    struct Case: Encodable {
        let cron: String
        var zone: String?
        var start: Int64?
        var until: Int64?
    }

    struct Answer: Decodable {
        var error: String?
        var stint: [Int64]?
        var croniter: [Int64]?
        /// The second, and by how much the clock is put forward.
        var transitions: [[Int64]]?

        /// Whether this tick differs from croniter's by one of the rules of docs/schedules.md.
        func explains(_ tick: Int64, of item: Case) -> Bool {
            guard let followsClock = try? CronExpression(item.cron).followsClock, let croniter else { return false }
            let hasSeconds = item.cron.split(separator: " ").count == 6
            let hasAllHours = (try? CronExpression(item.cron).hours.values.count) == 24
            return transitions?.contains { change in
                let (time, shift) = (change[0], change[1])
                // It goes on minute by minute, so that the second is that of the expression.
                if hasSeconds, shift > 0, !followsClock, (time..<time + 60).contains(tick),
                    tick == time || croniter.contains(tick)
                {
                    return true
                }
                guard croniter.contains(tick) else {
                    // All hours are as a * for it, also if they are written as a range, and a * skips what is skipped.
                    return shift > 0 && tick == time && !followsClock && hasAllHours
                }
                // A fixed time that is doubled comes twice for croniter.
                if shift < 0 { return !followsClock && (time..<time - shift).contains(tick) }
                // What is skipped comes right after for croniter, also if it follows the clock, and after any gap.
                return (time..<time + 60).contains(tick) && (followsClock || shift >= 3 * 3_600)
            } == true
        }
    }

    static func answers(_ cases: [Case]) async throws -> [Answer] {
        let file = FileManager.default.temporaryDirectory.appending(path: "croniter-\(UUID()).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        let lines = try cases.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        let result = try await run(
            .path(FilePath(python)), arguments: [root.appending(path: "Tests/Croniter/times.py").path, file.path],
            output: .string(limit: 1 << 28), error: .string(limit: 1 << 16))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        return try result.standardOutput.split(separator: "\n").map {
            try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
        }
    }
}
