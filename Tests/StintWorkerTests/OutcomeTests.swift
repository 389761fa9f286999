import Stint
import StintCore
import Testing

@Suite("How a handler ends decides what becomes of its job", .timeLimit(.minutes(2)))
struct OutcomeTests {
    @Test("a handler gets its parameters and its context, and returning acknowledges the job")
    func acknowledges() async throws {
        try await withQueue { queue in
            let headers = try Headers(["tenant": "7"])
            let id = try await queue.enqueue(
                Greeting(name: "Zoë"), in: "q", options: JobOptions(maxAttempts: 4, headers: headers)
            ).id
            let seen = Log<(Greeting, JobContext)>()
            var worker = queue.drainingWorker()
            worker.registerJob(Greeting.self) { job, context in seen.append((job, context)) }
            try await worker.run()
            #expect(seen.all.count == 1)
            let (job, context) = try #require(seen.all.first)
            #expect(job.name == "Zoë" && context.id == id && context.queue == "q" && context.headers["tenant"] == "7")
            #expect(context.attempt == 1 && context.maxAttempts == 4 && context.token.rawValue > 0)
            #expect(
                context.enqueuedAt.timeIntervalSince1970 > 1_700_000_000 && context.contentType == "application/json")
            let logger = context.logger
            #expect(logger[metadataKey: "job"] == "\(id)" && logger[metadataKey: "queue"] == "q")
            #expect(logger[metadataKey: "attempt"] == "1" && logger[metadataKey: "job-name"] == "greeting")
            #expect(logger[metadataKey: "token"] == "\(context.token)")
            #expect(try await queue.counts().done == 1)
        }
    }

    @Test("a handler that throws runs again, and after its attempts the job is buried with every error")
    func failure() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(Greeting(name: "x"), in: "q", options: JobOptions(maxAttempts: 3)).id
            let attempts = Log<Int>()
            var worker = queue.drainingWorker()
            worker.registerJob(Greeting.self, retry: .immediate()) { _, context in
                attempts.append(context.attempt)
                throw Oops()
            }
            try await worker.run()
            #expect(attempts.all == [1, 2, 3])
            let job = try #require(try await queue.store.job(id))
            #expect(job.record.state == .buried && job.record.reason == "no attempts left (3 of 3), last: oops")
            #expect(job.failures.map(\.error) == ["oops", "oops", "oops"])
        }
    }

    @Test("the worker's own limit of attempts counts where it is smaller")
    func workersLimit() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(Greeting(name: "x"), in: "q").id
            var worker = queue.drainingWorker()
            worker.registerJob(Greeting.self, retry: .constant(.zero, maxAttempts: 2)) { _, _ in throw Oops() }
            try await worker.run()
            let record = try #require(try await queue.record(id))
            #expect(record.state == .buried && record.attempts == 2 && record.reason?.contains("worker's 2") == true)
            let failures = try await queue.store.job(id)?.failures
            #expect(failures?.map(\.kind) == [.failed, .failed], "the last one has failed like the first")
        }
    }

    @Test("the worker's own limit of attempts counts for crashes too")
    func workersLimitOfCrashes() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(payload: [], in: "q").id
            var worker = queue.drainingWorker()
            worker.runCommand(try await CommandHandler(["sh", "-c", "kill -KILL $$"]), retry: .never)
            try await worker.run()
            let job = try #require(try await queue.store.job(id))
            #expect(job.record.state == .buried && job.record.attempts == 1 && job.record.crashes == 1)
            #expect(job.failures.map(\.kind) == [.crashed])
            #expect(job.record.reason?.hasPrefix("no attempts left (1 of the worker's 1)") == true)
        }
    }

    @Test("a verdict buries, retries at a time of its own, or releases without using up an attempt")
    func verdicts() async throws {
        try await withQueue { queue in
            let buried = try await queue.enqueue(Greeting(name: "bury"), in: "q").id
            let retried = try await queue.enqueue(Greeting(name: "retry"), in: "q").id
            let released = try await queue.enqueue(Greeting(name: "release"), in: "q").id
            let attempts = Log<String>()
            var worker = queue.drainingWorker()
            worker.registerJob(Greeting.self, retry: .constant(.seconds(3_600))) { job, context in
                attempts.append("\(job.name) \(context.attempt)")
                let isFirst = attempts.all.count { $0.hasPrefix(job.name) } == 1
                switch job.name {
                case "bury": throw JobVerdict.bury("bad address")
                case "retry": if isFirst { throw JobVerdict.retry(after: .milliseconds(1)) }
                default: if isFirst { throw JobVerdict.release() }
                }
            }
            try await worker.run()
            #expect(
                attempts.all.sorted()
                    == ["bury 1", "release 1", "release 1", "retry 1", "retry 2"])
            #expect(try await queue.record(buried)?.reason == "bad address")
            #expect(try await queue.record(retried) == nil)
            #expect(try await queue.record(released) == nil)
        }
    }

    @Test("jobs that nobody can run are buried with the reason, and the worker goes on")
    func unrunnable() async throws {
        try await withQueue { queue in
            let unknown = try NewJob([], in: "q", options: JobOptions(headers: Headers(["job-name": "no.such"])))
            let nameless = try NewJob(Array("hello".utf8), in: "q")
            let broken = try NewJob(
                Array(#"{"nom":1}"#.utf8), in: "q", options: JobOptions(headers: Headers(["job-name": "greeting"])))
            // At this depth it once ended the process; see JSONDecoder+Bytes.swift.
            let deep = try NewJob(
                Array(repeating: UInt8(ascii: "["), count: 513), in: "q",
                options: JobOptions(headers: Headers(["job-name": "greeting"])))
            let ids = try await queue.enqueue(jobs: [unknown, nameless, broken, deep]).map(\.id)
            try await queue.enqueue(Greeting(name: "fine"), in: "q")
            let seen = Log<String>()
            var worker = queue.drainingWorker { $0.unknownJobPatience = .zero }
            worker.registerJob(Greeting.self) { job, _ in seen.append(job.name) }
            try await worker.run()
            #expect(seen.all == ["fine"])
            var reasons: [String] = []
            for id in ids { reasons.append(try await queue.record(id)?.reason ?? "") }
            #expect(reasons[0].contains("no handler is registered for 'no.such'"))
            #expect(reasons[1].contains("no header 'job-name'"))
            #expect(reasons[2].contains("do not decode as 'greeting'") && reasons[2].contains("name"))
            #expect(reasons[3].contains("do not decode as 'greeting'"))
        }
    }

    @Test("a job without a registered name goes to the handler for the others")
    func others() async throws {
        try await withQueue { queue in
            try await queue.enqueue(payload: [1, 2, 255], in: "q")
            let seen = Log<[UInt8]>()
            var worker = queue.drainingWorker()
            worker.registerOthers { context in seen.append(context.job.payload) }
            try await worker.run()
            #expect(seen.all == [[1, 2, 255]])
        }
    }

    @Test("a handler that takes too long is cancelled, and its attempt has failed")
    func timeout() async throws {
        try await withQueue { queue in
            let options = JobOptions(maxAttempts: 1, timeToRun: .milliseconds(20))
            let id = try await queue.enqueue(Greeting(name: "slow"), in: "q", options: options).id
            let door = Door()
            var worker = queue.drainingWorker()
            worker.registerJob(Greeting.self, timeout: .seconds(3_600)) { _, _ in try await door.wait() }
            try await worker.run()
            #expect(try await queue.record(id)?.reason?.contains("timed out after") == true)
        }
    }

    @Test("an ack by the handler itself takes its follow-ups along, and what it throws afterwards changes nothing")
    func acksItself() async throws {
        try await withQueue { queue in
            try await queue.enqueue(Greeting(name: "first"), in: "q")
            let seen = Log<String>()
            var worker = queue.drainingWorker()
            worker.registerJob(Greeting.self, retry: .immediate()) { job, context in
                seen.append(job.name)
                guard job.name == "first" else { return }
                try await context.ack(enqueueing: [NewJob(Greeting(name: "second"), in: "q")])
                throw Oops()
            }
            try await worker.run()
            #expect(seen.all == ["first", "second"])
            #expect(try await queue.counts().done == 2)
        }
    }

    @Test("a command that does not read its large payload is judged by its exit code, and this process lives on")
    func unreadPayload() async throws {
        try await withQueue { queue in
            try await queue.enqueue(payload: [UInt8](repeating: 1, count: 1_000_000), in: "q")
            var worker = queue.drainingWorker()
            worker.runCommand(try await CommandHandler(["true"]))
            try await worker.run()
            #expect(try await queue.counts().done == 1)
        }
    }
}
