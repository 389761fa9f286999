import Foundation
import StintPlatform
import TestSupport
import Testing

@testable import StintCore

@Suite("The clock of a zone is that of the system's zone file")
struct TimeZoneTests {
    @Test("all zones have the offsets that the C library has, from 1970 to 2100")
    func againstTheCLibrary() throws {
        var generator = SeededGenerator(seed: chosenSeed())
        let names =
            try FileManager.default.contentsOfDirectory(atPath: "/usr/share/zoneinfo/America").map { "America/\($0)" }
            + [
                "Europe/Berlin", "Europe/Dublin", "Africa/Casablanca", "Africa/Cairo", "Asia/Gaza", "Asia/Tehran",
                "Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll", "Antarctica/Casey", "EST5EDT", "Etc/GMT+5",
            ]
        for name in names {
            guard let zone = try? TimeZoneRules(named: name) else { continue }
            let foundation = try #require(TimeZone(identifier: name), "\(name)")
            for _ in 0..<50 {
                let time = Int64.random(in: 0..<4_102_444_800, using: &generator)
                let expected = foundation.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time)))
                #expect(zone.period(at: time).offset == Int64(expected), "\(name) at \(time)")
            }
        }
    }

    @Test(
        "periods follow one another without gaps",
        arguments: [
            "Europe/Berlin", "America/New_York", "Africa/Casablanca", "Asia/Kolkata", "UTC", "Antarctica/Troll",
        ])
    func periods(_ name: String) throws {
        let zone = try TimeZoneRules(named: name)
        var period = zone.period(at: -10_000_000_000)
        for _ in 0..<1_000 where period.end < 10_000_000_000 {
            let next = zone.period(at: period.end)
            #expect(next.start == period.end)
            #expect(zone.period(at: period.end - 1) == period)
            period = next
        }
    }

    @Test(
        "rules as in TZ of POSIX",
        arguments: [
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_774_746_000, 3_600, 7_200),
            ("EST5EDT,M3.2.0,M11.1.0", 1_772_953_200, -18_000, -14_400),
            ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1_775_314_800, 39_600, 37_800),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", 1_774_746_000, 0, 3_600),
        ])
    func rules(_ text: String, _ change: Int64, _ before: Int64, _ after: Int64) throws {
        let rule = try #require(YearlyClockChange(Array(text.utf8)))
        #expect(rule.period(at: change - 1).offset == before)
        #expect(rule.period(at: change).offset == after)
        #expect(rule.period(at: change).start == change)
    }

    @Test("a summer that lasts all the year")
    func permanentSummer() throws {
        let rule = try #require(YearlyClockChange(Array("XXX3EDT4,0/0,J365/23".utf8)))
        for day in 0..<800 { #expect(rule.period(at: 1_774_746_000 + Int64(day) * 43_200).offset == -14_400) }
    }

    @Test(
        "what is no rule is none",
        arguments: [
            "", "CET", "C-1", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0", "CET-25", "<CET-1",
            "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CEST,J0,J1", "CET-1CEST,M3.6.0,M10.5.0",
        ])
    func noRules(_ text: String) {
        // "C-1": POSIX wants three letters, and no file has fewer; it is read all the same.
        #expect(YearlyClockChange(Array(text.utf8)) == nil || text == "C-1")
    }

    @Test("no file traps")
    func fuzz() throws {
        var generator = SeededGenerator(seed: chosenSeed())
        let file = try #require(SystemFile.bytes(of: "/usr/share/zoneinfo/Europe/Berlin"))
        var read = 0
        for _ in 0..<20_000 {
            var bytes = file
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                // The beginning has the counts.
                let place = Int.random(in: 0..<(Bool.random(using: &generator) ? 48 : bytes.count), using: &generator)
                bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
            guard let file = TimeZoneFile(bytes) else { continue }
            read += 1
            let zone = TimeZoneRules(name: "x", changes: file.changes, firstOffset: file.firstOffset, rule: file.rule)
            _ = try CronExpression("30 2 * * *").next(
                from: .random(in: -1 << 40..<1 << 40, using: &generator), in: zone)
        }
        #expect(read > 100)
    }
}
