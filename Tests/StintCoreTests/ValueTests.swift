import StintCore
import Testing

@Suite("Values are valid or are not made")
struct ValueTests {
    @Test(
        "an exit code between 129 and 192 is named as a signal that a shell reports, and no other",
        arguments: [
            (1, "exit 1"), (128, "exit 128"), (129, "exit 129 (in a shell: SIGHUP)"),
            (137, "exit 137 (in a shell: SIGKILL)"), (143, "exit 143 (in a shell: SIGTERM)"),
            (192, "exit 192 (in a shell: signal 64)"), (193, "exit 193"), (255, "exit 255"),
        ])
    func exitCode(code: Int32, text: String) {
        #expect(exitText(code) == text)
    }

    @Test("a rate is written as on the command line")
    func rate() {
        let rates: [(Rate, String)] = [
            (Rate(50, per: .seconds(1)), "50/1s"), (Rate(5, per: .milliseconds(1_500)), "5/1s500ms"),
            (Rate(1_000, per: .seconds(5_400)), "1000/1h30m"), (Rate(1, per: .seconds(31 * 86_400)), "1/31d"),
            (Rate(2, per: .zero), "2/0ms"),
        ]
        for (rate, text) in rates { #expect(rate.description == text) }
    }

    @Test("why a job waits is told in words")
    func waitReasons() {
        let reasons: [(WaitReason, String)] = [
            (.groupFull(group: "acme", running: 2, limit: 2), "group acme: 2 of 2 running"),
            (.groupWaits(group: "acme", for: JobID(rawValue: 12)), "group acme: job 12 waits for its retry"),
            (.rate(group: nil, nextStart: .milliseconds(140)), "rate: next start in 140 ms"),
            (.rate(group: "acme", nextStart: .seconds(90)), "rate of group acme: next start in 90 s"),
            (.queueFull(running: 3, limit: 2), "queue: 3 of 2 running"), (.paused, "its queue is paused"),
            (.delayed, "its time has not come"), (.turn, "it waits for its turn and a free worker"),
        ]
        for (reason, text) in reasons { #expect(reason.description == text) }
    }

    @Test("a queue name may be in any script", arguments: ["q", "mail.de", "почта", "邮件", "a/b+c", "🐝"])
    func validQueueName(_ name: String) throws {
        #expect(try QueueName(name).description == name)
    }

    @Test(
        "a queue name that would break a shell, a log or a terminal is refused",
        arguments: [
            "", "-\u{301}a", " ", "a b", "a\nb", "a\u{0}b", "-q", "a\u{2028}b", "\u{1B}[2J",
            String(repeating: "x", count: 201),
        ])
    func invalidQueueName(_ name: String) {
        let error = #expect(throws: StintError.self) { try QueueName(name) }
        #expect(error?.code == .invalidInput)
        #expect(error?.description.unicodeScalars.allSatisfy { !$0.isControl } == true)
    }

    /// One code point, and a letter with an accent: canonically equivalent, so Swift's strings are equal.
    private static let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")

    @Test("queue names, unique keys and header values are the same exactly when their bytes are")
    func equalByBytes() throws {
        let (composed, decomposed) = (Self.composed, Self.decomposed)
        try #require(composed == decomposed)
        let names = [try QueueName(composed), try QueueName(decomposed)]
        #expect(names[0] != names[1] && Set(names + names).count == 2)
        #expect(names.map { Array($0.description.utf8) } == [Array(composed.utf8), Array(decomposed.utf8)])
        let same = try QueueName("caf" + "\u{E9}")
        #expect(names[0] == same && Set([names[0], same]).count == 1)
        let keys = [JobOptions(uniqueKey: composed), JobOptions(uniqueKey: decomposed)]
        #expect(keys[0] != keys[1] && Set(keys).count == 2)
        let headers = [try Headers(["a": composed]), try Headers(["a": decomposed])]
        #expect(headers[0] != headers[1] && Set(headers).count == 2)
    }

    @Test("queue names are in the order of their bytes, as in the database")
    func orderByBytes() throws {
        let names = try ["z", "\u{E9}", "e\u{301}", "e", "é!", "邮"].map { try QueueName($0) }
        let sorted = names.sorted().map { Array($0.description.utf8) }
        #expect(sorted == sorted.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(names.sorted().map(\.description).first == "e")
    }

    @Test("header names are lowered and can be found in any case")
    func headerNames() throws {
        var headers = Headers()
        try headers.set("Reply-To", to: "a")
        #expect(headers["REPLY-TO"] == "a")
        #expect(headers.map(\.key) == ["reply-to"])
    }

    @Test(
        "a header that has no environment variable or breaks a line is refused, and the headers stay as they were",
        arguments: [
            ("", "v"), ("1a", "v"), ("a_b", "v"), ("ä", "v"), ("a b", "v"), ("a:b", "v"), ("a", "x\ny"),
            ("\u{212A}elvin", "v"),
            ("a", "x\ry"), ("a", "\u{0}"), ("a", String(repeating: "x", count: 65_536)),
        ])
    func invalidHeader(_ name: String, _ value: String) throws {
        var headers = try Headers(["kept": "1"])
        let before = headers
        let error = #expect(throws: StintError.self) { try headers.set(name, to: value) }
        #expect(error?.code == .invalidInput)
        #expect(headers == before)
    }

    @Test("the largest payload is 16 MiB, and the error names the limit")
    func payloadLimit() throws {
        let largest = [UInt8](repeating: 1, count: NewJob.maximumPayloadBytes)
        #expect(try NewJob(largest, in: "q").payload.count == 16_777_216)
        let error = #expect(throws: StintError.self) { try NewJob(largest + [1], in: "q") }
        #expect(error?.code == .invalidInput)
        #expect(error?.description.contains("16777216") == true)
    }

    @Test(
        "numbers out of range are refused",
        arguments: [
            JobOptions(delay: .seconds(-1)), JobOptions(delay: NewJob.maximumDelay + .seconds(1)),
            JobOptions(maxAttempts: 0), JobOptions(maxAttempts: .max), JobOptions(maxCrashes: 0),
            JobOptions(maxCrashes: -3), JobOptions(timeToRun: .zero), JobOptions(uniqueKey: ""),
            JobOptions(uniqueKey: String(repeating: "x", count: 1_025)), JobOptions(uniqueKey: "a\u{0}b"),
        ])
    func optionLimits(_ options: JobOptions) {
        let error = #expect(throws: StintError.self) { try NewJob([], in: "q", options: options) }
        #expect(error?.code == .invalidInput)
    }

    @Test("a content type is printable ASCII", arguments: ["", "a\nb", "tëxt", String(repeating: "x", count: 256)])
    func contentType(_ type: String) {
        #expect(throws: StintError.self) { try NewJob([], in: "q", contentType: type) }
    }

    @Test("the tail of bytes is valid UTF-8, cut at a character, without NUL")
    func textTail() {
        #expect(Array("abcäöü".utf8).textTail(limit: 4) == "öü")
        #expect(Array("abcäöü".utf8).textTail(limit: 3) == "ü")
        #expect([0x61, 0xFF, 0x00, 0x62].textTail(limit: 10) == "a\u{FFFD}\u{FFFD}b")
        #expect([UInt8]().textTail(limit: 10) == "")
    }

    @Test("durations become whole milliseconds, rounded up, without overflow")
    func milliseconds() {
        #expect(Duration.milliseconds(1_500).milliseconds == 1_500)
        #expect(Duration.nanoseconds(1).milliseconds == 1)
        #expect(Duration.zero.milliseconds == 0)
        #expect(Duration.seconds(Int64.max / 2).milliseconds == .max / 2)
    }

    @Test("text of unknown origin is quoted on one line, cut and without control characters")
    func quotedText() {
        #expect(quoted("a\nb\u{1B}") == "'a\\nb\\u{1B}'")
        #expect(quoted(String(repeating: "x", count: 100)).count == 83)
    }
}
