import Foundation
import Stint
import StintCore
import Testing

@testable import StintWorker

@Suite("A digest reaches its handler", .timeLimit(.minutes(2)))
struct DigestTests {
    private let options = JobOptions(maxAttempts: 1, uniqueKey: "k", onConflict: .collect)

    @Test("as an array of its events, which is one job")
    func typed() async throws {
        try await withQueue { queue in
            for name in ["Zoë", "Ada", "Zoë"] {
                try await queue.enqueue(Greeting(name: name), in: "q", options: options)
            }
            try await queue.enqueue(Greeting(name: "alone"), in: "q")
            let seen = Log<[String]>()
            var worker = queue.drainingWorker()
            worker.registerDigest(Greeting.self) { greetings, context in
                #expect(context.contentType == ContentType.json)
                seen.append(greetings.map(\.name))
            }
            try await worker.run()
            #expect(seen.all == [["Zoë", "Ada", "Zoë"], ["alone"]])
            #expect(try await queue.counts().done == 2)
        }
    }

    @Test("and is buried with the reason if an event does not decode, or the handler is for single jobs")
    func refusals() async throws {
        try await withQueue { queue in
            var options = options
            options.headers = try Headers(["job-name": Greeting.jobName])
            for payload in ["{\"name\":\"Ada\"}", "[]"] {
                try await queue.enqueue(payload: Array(payload.utf8), in: "q", options: options)
            }
            var worker = queue.drainingWorker()
            worker.registerDigest(Greeting.self) { _, _ in Issue.record("it ran") }
            try await worker.run()
            let id = JobID(rawValue: 1)
            let reason = try #require(try await queue.record(id)?.reason)
            #expect(reason.hasPrefix("event 2 of 2 does not decode as 'greeting'"))
            try await queue.kick([id])
            var single = queue.drainingWorker()
            single.registerJob(Greeting.self) { _, _ in Issue.record("it ran") }
            try await single.run()
            #expect(
                try await queue.record(id)?.reason
                    == "it is a digest of 2 events and 'greeting' is registered for single jobs: use registerDigest, then "
                    + "kick it")
        }
    }

    private func put(_ events: [[UInt8]], in queue: JobQueue<SQLiteStore>, _ type: String? = nil) async throws {
        for event in events {
            try await queue.enqueue(payload: event, contentType: type ?? ContentType.bytes, in: "q", options: options)
        }
    }

    private let script =
        "cat > $OUT; echo \"$STINT_CONTENT_TYPE $STINT_EVENT_CONTENT_TYPE $STINT_EVENTS\" > $OUT.facts"

    private func run(_ queue: JobQueue<SQLiteStore>, _ format: DigestFormat, to file: String) async throws {
        var worker = queue.drainingWorker()
        worker.runCommand(
            try await CommandHandler(["sh", "-c", script], variables: ["OUT": file], digestFormat: format))
        try await worker.run()
    }

    @Test("a command gets one event on each line, or each with its length")
    func command() async throws {
        try await withQueue { queue in
            let file = queue.store.path + ".out"
            try await put([Array("a".utf8), [], [0xFF, 0]], in: queue)
            try await run(queue, .lines, to: file)
            #expect(Array(try Data(contentsOf: URL(filePath: file))) == Array("a\n\n".utf8) + [0xFF, 0, 10])
            #expect(
                try String(contentsOfFile: file + ".facts", encoding: .utf8)
                    == "application/x-stint-lines application/octet-stream 3\n")
            try await put([Array("a\nb".utf8), []], in: queue)
            try await run(queue, .lines, to: file)
            let record = try #require(try await queue.record(JobID(rawValue: 2)))
            #expect(
                record.reason
                    == "event 1 of 2 has a line feed in it, and the events are written as lines: use the digest "
                    + "format length-prefixed, then kick it")
            try await queue.kick([record.id])
            try await run(queue, .lengthPrefixed, to: file)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "3\na\nb\n0\n\n")
            #expect(
                try String(contentsOfFile: file + ".facts", encoding: .utf8)
                    == "application/x-stint-length-prefixed application/octet-stream 2\n")
            // Another job is as it was.
            try await queue.enqueue(payload: Array("x\ny".utf8), in: "q")
            try await run(queue, .lines, to: file)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "x\ny")
            #expect(
                try String(contentsOfFile: file + ".facts", encoding: .utf8) == "text/plain; charset=utf-8  \n")
        }
    }

    @Test("a pipe handler gets an array, of texts or of Base64, and its answers collect and replace")
    func pipe() async throws {
        try await withPipe { place in
            try await put([Array("a\n☃".utf8), Array("b".utf8)], in: place.queue, "text/x")
            try await place.queue.enqueue(
                payload: [0xFF], in: "q", options: JobOptions(uniqueKey: "bytes", onConflict: .collect))
            try await place.drain(
                """
                for j in jobs():
                    facts = {k: j[k] for k in j if k.startswith('payload') or k == 'contentType'}
                    note(json.dumps(facts, sort_keys=True))
                    more = [dict(payload=p, uniqueKey='n', onConflict='collect', debounce=0.1, atMost=1.5) for p in 'xy']
                    answer(j, enqueue=more if j['id'] == 1 else [])
                """)
            #expect(
                try place.notes == [
                    #"{"contentType": "text/x", "payloads": ["a\n\u2603", "b"]}"#,
                    #"{"contentType": "application/octet-stream", "payloadsBase64": ["/w=="]}"#,
                    #"{"contentType": "text/plain; charset=utf-8", "payloads": ["x", "y"]}"#,
                ])
        }
    }

    @Test("an answer with a conflict that is none, or without a key, fails its job")
    func wrongAnswers() async throws {
        try await withPipe { place in
            let id = try await place.put("x", JobOptions(maxAttempts: 2))
            try await place.drain(
                try await place.handler(
                    """
                    for j in jobs():
                        answer(j, enqueue=[dict(payload='p', onConflict='add' if j['attempt'] == 1 else 'collect')])
                    """))
            let errors = try await place.failures(id).map(\.error)
            #expect(
                errors.count == 2
                    && errors[0].contains("its onConflict is 'add'; it must be 'keep', 'replace' or 'collect'"))
            #expect(errors.last?.contains("there is no unique key") == true)
        }
    }
}
