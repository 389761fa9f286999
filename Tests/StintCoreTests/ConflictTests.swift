import StintCore
import Testing

@Suite("Options of digests and of jobs that replace others")
struct ConflictTests {
    private func refusal(_ change: (inout JobOptions) -> Void) -> String? {
        var options = JobOptions(uniqueKey: "k", onConflict: .collect)
        change(&options)
        do {
            _ = try NewJob([], in: "q", options: options)
            return nil
        } catch let error as StintError {
            return error.code == .invalidInput ? error.description : "another code"
        } catch {
            return "another error"
        }
    }

    @Test("that do not go together are refused, with one sentence")
    func refusals() throws {
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.debounce = .seconds(1) } == nil)
        #expect(refusal { ($0.debounce, $0.atMost) = (.seconds(1), .seconds(1)) } == nil)
        let wrong: [(inout JobOptions) -> Void] = [
            { $0.uniqueKey = nil }, { ($0.uniqueKey, $0.onConflict) = (nil, .replace) },
            { ($0.debounce, $0.onConflict) = (.seconds(1), .replace) },
            { ($0.debounce, $0.onConflict) = (.seconds(1), .keep) }, { $0.debounce = .zero },
            { $0.debounce = .seconds(-1) }, { $0.debounce = NewJob.maximumDelay + .seconds(1) },
            { ($0.debounce, $0.delay) = (.seconds(1), .seconds(1)) }, { $0.atMost = .seconds(1) },
            { ($0.debounce, $0.atMost) = (.seconds(2), .seconds(1)) },
            { ($0.debounce, $0.atMost) = (.seconds(2), NewJob.maximumDelay + .seconds(1)) },
            { $0.maxEvents = 0 }, { $0.maxEvents = NewJob.maximumEvents + 1 }, { $0.maxEventBytes = 0 },
            { $0.maxEventBytes = NewJob.maximumPayloadBytes + 1 }, { ($0.maxEvents, $0.onConflict) = (5, .keep) },
            { ($0.maxEventBytes, $0.onConflict) = (5, .replace) },
        ]
        for (number, change) in wrong.enumerated() {
            let sentence = try #require(refusal(change), "case \(number) is not refused")
            #expect(!sentence.contains("\n") && !sentence.hasPrefix("another"), "case \(number): \(sentence)")
        }
    }

    @Test("events are joined so that they can be told apart")
    func formats() {
        let events: [[UInt8]] = [Array("a".utf8), [], Array("b\nc".utf8)]
        #expect(DigestFormat.lengthPrefixed.joined(events) == Array("1\na\n0\n\n3\nb\nc\n".utf8))
        #expect(DigestFormat.lengthPrefixed.firstUnfit(events) == nil)
        #expect(DigestFormat.lines.firstUnfit(events) == 3)
        #expect(DigestFormat.lines.joined(Array(events.prefix(2))) == Array("a\n\n".utf8))
    }

    @Test(
        "a start moves with each event, never past its limit, and stays when it has come",
        arguments: [
            (debounce: 10, limit: nil, start: 50, moved: 110), (10, 105, 101, 105), (10, 200, 150, 110),
            (nil, 105, 150, nil),
            (10, 90, 150, 90), (10, nil, 100, nil), (10, nil, 99, nil),
        ] as [(debounce: Int?, limit: Int64?, start: Int64, moved: Int64?)])
    func start(_ debounce: Int?, _ limit: Int64?, _ start: Int64, _ moved: Int64?) throws {
        let options = JobOptions(
            uniqueKey: "k", onConflict: .collect, debounce: debounce.map { .milliseconds($0) })
        let event = try NewJob([], in: "q", options: options)
        let digest = OpenDigest(
            openedAt: 0, startLimit: limit, events: 1, bytes: 0, contentType: event.contentType, jobName: nil)
        #expect(digest.start(after: event, insteadOf: start, 100) == (start == 50 ? nil : moved))
    }
}
