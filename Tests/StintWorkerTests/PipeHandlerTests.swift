import Foundation
import Logging
import Stint
import StintCore
import Synchronization
import Testing

@testable import StintWorker

/// Handlers in Python, which the tests' machine has; `jobs()` and `answer()` are defined for them.
func pipeHandler(
    _ script: String, variables: [String: String] = [:], longestAnswer: Int = PipeProcess.longestAnswer
) async throws -> PipeHandler {
    let prelude = """
        import base64, json, os, signal, sys, time
        def job():
            line = sys.stdin.buffer.readline()
            return json.loads(line) if line else None
        def jobs():
            while (j := job()) is not None: yield j
        def say(**fields): print(json.dumps(fields), flush=True)
        def answer(j, verdict='done', **fields): say(id=j['id'], token=j['token'], verdict=verdict, **fields)
        def note(text): os.write(os.open(os.environ['LOG'], os.O_WRONLY | os.O_CREAT | os.O_APPEND), (text + '\\n').encode())
        def lines(): return open(os.environ['LOG']).read().split('\\n')[:-1] if os.path.exists(os.environ['LOG']) else []

        """
    let program = try HandlerProgram(["python3", "-c", prelude + script], variables: variables, memoryLimit: nil)
    return PipeHandler(PipeProcessManager(program, longestAnswer: longestAnswer))
}

/// A queue, a handler for it, and what the handler notes with `note()`.
struct PipePlace {
    let queue: JobQueue<SQLiteStore>
    let log: String

    var notes: [String] {
        get throws {
            guard FileManager.default.fileExists(atPath: log) else { return [] }
            return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    func put(_ payload: String, _ options: JobOptions = JobOptions()) async throws -> JobID {
        try await queue.enqueue(payload: Array(payload.utf8), in: "q", options: options).id
    }

    func handler(_ script: String, longestAnswer: Int = PipeProcess.longestAnswer) async throws -> PipeHandler {
        try await pipeHandler(script, variables: ["LOG": log], longestAnswer: longestAnswer)
    }

    /// Runs all jobs.
    func drain(
        _ handler: PipeHandler, retry: RetryPolicy = .immediate(), _ change: (inout Worker.Options) -> Void = { _ in }
    )
        async throws
    {
        var worker = queue.drainingWorker(change)
        worker.runPipe(handler, retry: retry)
        try await worker.run()
        await handler.shutDown()
    }

    func drain(_ script: String, _ change: (inout Worker.Options) -> Void = { _ in }) async throws {
        try await drain(try await handler(script), change)
    }

    /// For tests that run jobs without a worker.
    func claim(_ count: Int) async throws -> [LeasedJob] {
        try await queue.store.claim(
            ClaimRequest(queues: ["q"], limit: count, lease: .seconds(3_600), worker: "test"))
    }

    /// Runs a job without a worker. `nil`: done.
    func run(_ job: LeasedJob, with handler: PipeHandler, timeout: Duration? = nil) -> Task<
        HandlerOutcome.Verdict?, any Error
    > {
        Task {
            let context = JobContext(
                job: job, store: queue.store, worker: "test", logger: Logger(label: "test"))
            do {
                try await handler.run(context, timeout: timeout)
                return nil
            } catch let end as HandlerOutcome {
                return end.verdict
            }
        }
    }

    func failures(_ id: JobID) async throws -> [JobFailure] {
        try #require(try await queue.store.job(id)).failures
    }
}

func withPipe(_ body: (PipePlace) async throws -> Void) async throws {
    try await withQueue { queue in
        try await body(PipePlace(queue: queue, log: queue.store.path + ".log"))
    }
}

@Suite("A pipe handler answers for each job", .timeLimit(.minutes(2)))
struct PipeHandlerTests {
    @Test("it gets what a job is, one line each, and one process runs them all")
    func done() async throws {
        try await withPipe { place in
            let headers = try Headers(["reply-to": "Zoë"])
            _ = try await place.put("first\nline \u{2028}\"☃\"", JobOptions(maxAttempts: 4, headers: headers))
            try await place.queue.enqueue(payload: [0, 255, 10], in: "q")
            try await place.drain(
                """
                for j in jobs():
                    note(str(os.getpid())); note(json.dumps(j, sort_keys=True)); answer(j, unknown=[1], delay=None)
                """)
            let notes = try place.notes
            #expect(notes.count == 4 && notes[0] == notes[2])
            struct Job: Decodable {
                let id, token, attempt, maxAttempts: Int
                let queue, contentType: String
                let headers: [String: String]
                let payload, payloadBase64: String?
            }
            let first = try JSONDecoder().decode(Job.self, from: Data(notes[1].utf8))
            #expect((first.id, first.attempt, first.maxAttempts, first.queue) == (1, 1, 4, "q"))
            #expect(first.payload == "first\nline \u{2028}\"☃\"" && first.payloadBase64 == nil)
            #expect(first.headers == ["reply-to": "Zoë"] && first.contentType == "text/plain; charset=utf-8")
            let second = try JSONDecoder().decode(Job.self, from: Data(notes[3].utf8))
            #expect(second.payload == nil && second.payloadBase64 == "AP8K")
            #expect(try await place.queue.counts().done == 2)
        }
    }

    @Test("a payload of the largest size goes there and back")
    func large() async throws {
        try await withPipe { place in
            let payload = [UInt8](repeating: 0xFE, count: NewJob.maximumPayloadBytes)
            try await place.queue.enqueue(payload: payload, in: "q")
            try await place.drain(
                """
                for j in jobs():
                    note(str(len(base64.b64decode(j.get('payloadBase64', '')))))
                    answer(j, enqueue=[{'payloadBase64': j['payloadBase64'], 'queue': 'other'}])
                """)
            #expect(try place.notes == ["16777216"])
            let followUp = try #require(try await place.queue.store.job(JobID(rawValue: 2)))
            #expect(followUp.record.queue == "other" && followUp.payload == payload)
        }
    }

    @Test("retry and bury say why and when, with the last of standard error since the job began")
    func verdicts() async throws {
        try await withPipe { place in
            let retried = try await place.put("retry", JobOptions(maxAttempts: 2))
            let plain = try await place.put("plain", JobOptions(maxAttempts: 1))
            let buried = try await place.put("bury")
            let handler = try await place.handler(
                """
                print('before any job', file=sys.stderr, flush=True)
                for j in jobs():
                    print('about ' + j['payload'], file=sys.stderr, flush=True)
                    if j['payload'] == 'retry': answer(j, 'retry', delay=0.001, error='not yet')
                    elif j['payload'] == 'plain': answer(j, 'retry')
                    else: answer(j, 'bury', error='bad address')
                """)
            // With the policy alone it would wait for an hour.
            try await place.drain(handler, retry: .constant(.seconds(3_600)))
            let failures = try await place.failures(retried)
            #expect(failures.map(\.error) == ["not yet", "not yet"])
            #expect(failures[1].diagnostics?.standardError == "about retry")
            #expect(try #require(failures[1].diagnostics?.runTimeMilliseconds) >= 0)
            #expect(try await place.failures(plain).map(\.error) == ["the handler asked for a retry"])
            let record = try #require(try await place.queue.record(buried))
            #expect(record.state == .buried && record.reason == "bad address")
        }
    }

    @Test("follow-up jobs are queued with the acknowledgement, each as its answer says")
    func followUps() async throws {
        try await withPipe { place in
            _ = try await place.put("first")
            try await place.drain(
                """
                for j in jobs():
                    if j['payload'] != 'first': answer(j); continue
                    answer(j, enqueue=[{'payload': 'second'}, {'payload': '{}', 'queue': 'other', 'priority': 3,
                        'delay': 3600.5, 'maxAttempts': 4, 'maxCrashes': 2, 'uniqueKey': 'k',
                        'contentType': 'application/json', 'headers': {'job-name': 'x'}}])
                """)
            #expect(try await place.queue.counts().done == 2)
            let other = try #require(try await place.queue.store.job(JobID(rawValue: 3))).record
            #expect((other.queue, other.priority, other.maxAttempts, other.maxCrashes) == ("other", 3, 4, 2))
            #expect(
                other.uniqueKey == "k" && other.contentType == "application/json" && other.headers["job-name"] == "x")
            #expect(other.state == .delayed)
        }
    }

    @Test("several at once may be answered in any order")
    func concurrency() async throws {
        try await withPipe { place in
            for number in 1...8 { _ = try await place.put("\(number)") }
            try await place.drain(
                """
                while True:
                    four = [j for j in (job() for _ in range(4)) if j]
                    if not four: break
                    for j in reversed(four):
                        if j['payload'] == '3': answer(j, 'bury', error='three')
                        else: answer(j)
                """
            ) { $0.concurrency = 4 }
            #expect(try await place.queue.counts().done == 7)
            #expect(try await place.queue.record(JobID(rawValue: 3))?.reason == "three")
        }
    }

    @Test(
        "an answer that cannot be used fails its job with what is wrong with it, and the process goes on",
        arguments: [
            ("verdict='maybe'", "its verdict is 'maybe'; it must be 'done', 'retry' or 'bury'"),
            ("other=1", "it has no 'verdict'"), ("verdict='retry', delay=-1", "the delay is -1.0"),
            ("verdict='retry', delay='1s'", "delay: "), ("verdict='retry', delay=1e300", "it must be between 0 and"),
            ("verdict='done', enqueue=[{}]", "enqueue[0]: it needs one of payload and payloadBase64"),
            ("verdict='done', enqueue=[{'payload': 'x', 'queue': '-x'}]", "enqueue[0]: the queue name '-x' starts"),
            (
                "verdict='done', enqueue=[{'payload': 'x'}, {'payload': 'y', 'priority': -1}]",
                "enqueue[1]: the priority is -1; it must be"
            ),
            ("verdict='done', enqueue=[{'payloadBase64': '?'}]", "its payloadBase64 is not valid Base64"),
        ])
    func unusable(fields: String, problem: String) async throws {
        try await withPipe { place in
            let id = try await place.put("x", JobOptions(maxAttempts: 1))
            _ = try await place.put("y")
            try await place.drain(
                """
                note('start')
                for j in jobs():
                    if j['payload'] == 'x': say(id=j['id'], token=j['token'], \(fields))
                    else: answer(j)
                """)
            let failure = try #require(try await place.failures(id).first)
            #expect(failure.error.hasPrefix("the handler's answer cannot be used: "))
            #expect(failure.error.contains(problem), "\(failure.error)")
            #expect(try await place.queue.counts().done == 1)
            #expect(try place.notes == ["start"])
        }
    }

    @Test("an answer for a job that is not in flight changes nothing, and the process goes on")
    func stray() async throws {
        try await withPipe { place in
            let ids = [try await place.put("x"), try await place.put("y")]
            try await place.drain(
                """
                note('start')
                for j in jobs():
                    say(id=j['id'], token=j['token'] - 1, verdict='bury')
                    say(id=j['id'] + 100, token=j['token'], verdict='bury')
                    answer(j); answer(j, 'bury')
                """)
            #expect(try place.notes == ["start"])
            #expect(try await place.queue.counts().done == 2)
            for id in ids { #expect(try await place.queue.record(id) == nil) }
        }
    }

    @Test(
        "a line that is no answer fails the one job in flight, and the process is replaced",
        arguments: ["print('hello')", "print('[]')", "say(verdict='done')", "print('{\"id\":1')", "print()"])
    func noAnswer(line: String) async throws {
        try await withPipe { place in
            let id = try await place.put("x", JobOptions(maxAttempts: 1))
            _ = try await place.put("y")
            try await place.drain(
                """
                note('start')
                for j in jobs():
                    if j['payload'] == 'x': \(line); sys.stdout.flush(); time.sleep(60)
                    answer(j)
                """)
            let failure = try #require(try await place.failures(id).first)
            #expect(failure.kind == .failed && failure.error.contains("wrote a line that is no answer: '"))
            #expect(failure.error.contains("standard output is for answers only"))
            #expect(try await place.queue.counts().done == 1)
            #expect(try place.notes == ["start", "start"])
        }
    }

    @Test("a line that is nested too deep is no answer, and no end of the worker")
    func deep() {
        #expect(throws: (any Error).self) { try PipeResponse(Array(repeating: UInt8(ascii: "["), count: 513)[...]) }
    }

    @Test("memory of the process can be told while it runs, and it ends with the worker in an orderly way")
    func orderlyEnd() async throws {
        try await withPipe { place in
            _ = try await place.put("x")
            let handler = try await place.handler(
                """
                for j in jobs(): answer(j)
                note('end of input')
                """)
            #expect(handler.residentMemory == nil)
            try await place.drain(handler)
            #expect(try place.notes == ["end of input"])
            #expect(handler.residentMemory == nil)
        }
    }
}
