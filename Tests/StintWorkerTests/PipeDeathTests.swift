import Foundation
import Logging
import Stint
import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintWorker

@Suite("The death of a pipe handler is blamed on no other job", .timeLimit(.minutes(2)))
struct PipeDeathTests {
    @Test(
        "one job in flight: it has crashed, with the diagnostics, whatever the exit",
        arguments: [
            ("os._exit(255)", "exit 255"), ("os._exit(0)", "exit 0"),
            ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ])
    func alone(deed: String, how: String) async throws {
        try await withPipe { place in
            let id = try await place.put("x", JobOptions(maxCrashes: 2))
            _ = try await place.put("y")
            try await place.drain(
                """
                for j in jobs():
                    if j['payload'] == 'x': print('Fatal error: gone\\nbye', file=sys.stderr, flush=True); \(deed)
                    answer(j)
                """)
            let failures = try await place.failures(id)
            #expect(failures.map(\.kind) == [.crashed, .crashed])
            #expect(
                failures.allSatisfy { $0.error == "the handler ended without an answer: \(how): Fatal error: gone" },
                "\(failures)")
            let diagnostics = try #require(failures[0].diagnostics)
            #expect(diagnostics.howItEnded == how && diagnostics.standardError == "Fatal error: gone\nbye")
            #expect(try #require(diagnostics.peakMemoryBytes) > 1_000_000)
            #expect(try await place.queue.record(id)?.state == .buried)
            #expect(try await place.queue.counts().done == 1)
        }
    }

    @Test("several in flight: all are suspects at no cost, each runs alone in a fresh process, and only the cause pays")
    func several() async throws {
        try await withPipe { place in
            let poison = try await place.put("poison", JobOptions(maxCrashes: 1))
            for _ in 1...3 { _ = try await place.put("good", JobOptions(maxAttempts: 1, maxCrashes: 1)) }
            try await place.drain(
                """
                first = job()
                if first is None: sys.exit()
                if not lines():
                    note('four together')
                    for _ in range(3): job()
                    os._exit(1)
                note('%s %d' % (first['payload'], os.getpid()))
                if first['payload'] == 'poison': os._exit(1)
                answer(first)
                for j in jobs():
                    note('%s %d' % (j['payload'], os.getpid())); answer(j)
                """
            ) { $0.concurrency = 4 }
            #expect(try await place.queue.record(poison)?.state == .buried)
            #expect(try await place.failures(poison).count == 1)
            #expect(try await place.queue.counts().done == 3)
            let runs = try place.notes.dropFirst().map { $0.split(separator: " ").map(String.init) }
            #expect(runs.map { $0[0] }.sorted() == ["good", "good", "good", "poison"])
            // A suspect's process has served no other before.
            #expect(Set(runs.map { $0[1] }).count == 4)
        }
    }

    @Test("a job that the process has not read goes to the next one, at no cost")
    func notRead() async throws {
        try await withPipe { place in
            let large = String(repeating: "y", count: 300_000)
            let ids = [
                try await place.put("x", JobOptions(maxAttempts: 1, maxCrashes: 1)),
                try await place.put(large, JobOptions(maxAttempts: 1, maxCrashes: 1)),
            ]
            // It reads the first line byte by byte, and so nothing of the second, and dies when the second has come.
            let handler = try await place.handler(
                """
                import fcntl, struct, termios
                def read_line():
                    line = b''
                    while not line.endswith(b'\\n'): line += os.read(0, 1) or sys.exit()
                    return json.loads(line)
                j = read_line()
                note('%d' % len(j['payload']))
                while j['payload'] == 'x':
                    if struct.unpack('i', fcntl.ioctl(0, termios.FIONREAD, b'....'))[0] > 1000: os._exit(1)
                answer(j)
                """)
            let runs = try await place.claim(2)
            let first = place.run(runs[0], with: handler)
            try await eventually("the first is read") { try place.notes == ["1"] }
            let second = place.run(runs[1], with: handler)
            guard case .crashed = try await first.value else { return #expect(Bool(false), "the first has crashed") }
            #expect(try await second.value == nil)
            #expect(try place.notes == ["1", "300000"])
            #expect(runs.map(\.id) == ids)
            await handler.shutDown()
        }
    }

    @Test("a process that recycles itself after an answer costs nobody anything")
    func recycles() async throws {
        try await withPipe { place in
            for number in 1...10 { _ = try await place.put("\(number)", JobOptions(maxAttempts: 1, maxCrashes: 1)) }
            try await place.drain(
                """
                j = job()
                if j: note(j['payload']); answer(j)
                """)
            #expect(try await place.queue.counts().done == 10)
            #expect(try place.notes.count == 10)
        }
    }

    @Test("an answer counts that its process gave in its last moment, behind much else")
    func lastAnswer() async throws {
        try await withPipe { place in
            _ = try await place.put("x", JobOptions(maxAttempts: 1, maxCrashes: 1))
            try await place.drain(
                """
                j = job()
                if j is None: sys.exit()
                stray = json.dumps({'id': 99, 'token': 1, 'verdict': 'done'}) + '\\n'
                last = json.dumps({'id': j['id'], 'token': j['token'], 'verdict': 'done'}) + '\\n'
                os.write(1, (stray * 1200 + last).encode()); os._exit(1)
                """)
            #expect(try await place.queue.counts().done == 1)
        }
    }

    @Test("one that fails at start blames nobody, is told once, is started again, and it is told that it works again")
    func failsAtStart() async throws {
        try await withPipe { place in
            let messages = Log<String>()
            _ = try await place.put("x", JobOptions(maxAttempts: 1, maxCrashes: 1))
            let handler = try await place.handler(
                """
                note('start')
                if len(lines()) < 4: print('no configuration', file=sys.stderr); sys.exit(3)
                for j in jobs(): answer(j)
                """)
            var options = Worker.Options()
            options.drains = true
            options.timeout = .milliseconds(300)  // less than the starts take: it does not run meanwhile
            var worker = Worker(
                place.queue, queues: ["q"], options: options,
                logger: Logger(label: "test") { _ in RecordingHandler(messages) })
            worker.runPipe(handler)
            try await worker.run()
            await handler.shutDown()
            #expect(try await place.queue.counts().done == 1)
            #expect(try place.notes.count == 4)
            let told = messages.all.filter { $0.hasPrefix("error") || $0.hasPrefix("notice") }
            #expect(told.count == 2, "\(messages.all)")
            #expect(told.first?.contains("exit 3: no configuration") == true)
            #expect(told.last?.contains("works again") == true)
        }
    }

    @Test("while a handler fails at start, a stop releases its job")
    func stopWhileFailing() async throws {
        try await withPipe { place in
            let id = try await place.put("x", JobOptions(maxAttempts: 1))
            let handler = try await place.handler("note('start'); sys.exit(3)")
            var worker = Worker(place.queue, queues: ["q"])
            worker.runPipe(handler)
            let run = Task { [worker] in try await worker.run() }
            try await eventually("it was started twice", within: .seconds(60)) { try place.notes.count >= 2 }
            run.cancel()
            try await run.value
            let record = try #require(try await place.queue.record(id))
            #expect(record.state == .ready && record.attempts == 0)
            await handler.shutDown()
        }
    }

    @Test("past its time a job that is alone has crashed; of several nobody is blamed before that")
    func timeout() async throws {
        try await withPipe { place in
            let slow = try await place.put("slow", JobOptions(maxCrashes: 1, timeToRun: .milliseconds(300)))
            _ = try await place.put("beside", JobOptions(maxAttempts: 1, maxCrashes: 1))
            try await place.drain(
                """
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                if not lines():
                    a, b = job(), job()
                    note('both'); time.sleep(60)
                for j in jobs():
                    if j['payload'] == 'slow': time.sleep(60)
                    answer(j)
                """
            ) { $0.concurrency = 2 }
            let failures = try await place.failures(slow)
            let failure = try #require(failures.first)
            #expect(failures.count == 1 && failure.attempt == 1)
            #expect(failure.kind == .crashed && failure.error == "timed out after 0.3 seconds")
            #expect(failure.diagnostics?.signal == "SIGKILL")
            #expect(try await place.queue.counts().done == 1)
        }
    }

    @Test("the time limit does not run while the handler starts")
    func slowStart() async throws {
        try await withPipe { place in
            _ = try await place.put("x", JobOptions(maxAttempts: 1, timeToRun: .milliseconds(500)))
            try await place.drain(
                """
                note('start'); time.sleep(1.2)
                for j in jobs(): answer(j)
                """)
            #expect(try await place.queue.counts().done == 1)
            #expect(try place.notes == ["start"])
        }
    }

    @Test("a handler that closes its standard output is ended, and its job has crashed")
    func closedOutput() async throws {
        try await withPipe { place in
            let id = try await place.put("x", JobOptions(maxCrashes: 1))
            try await place.drain("j = job(); os.close(1); time.sleep(60)")
            let failure = try #require(try await place.failures(id).first)
            #expect(failure.error == "the handler closed its standard output without an answer")
        }
    }

    @Test("a job whose run is cancelled ends the process where it is alone in it; its job is released")
    func cancelled() async throws {
        try await withPipe { place in
            let id = try await place.put("x", JobOptions(maxAttempts: 1))
            let handler = try await place.handler("j = job(); note(str(os.getpid())); time.sleep(60)")
            var options = Worker.Options()
            options.gracePeriod = .zero
            var worker = Worker(place.queue, queues: ["q"], options: options)
            worker.runPipe(handler)
            let run = Task { [worker] in try await worker.run() }
            try await eventually("it runs") { try place.notes.count == 1 }
            run.cancel()
            try await run.value
            #expect(kill(try #require(pid_t(try place.notes[0])), 0) != 0)
            let record = try #require(try await place.queue.record(id))
            #expect(record.state == .ready && record.attempts == 0)
            await handler.shutDown()
        }
    }

    @Test(
        "a run that is cancelled beside others is forgotten: its answer is ignored, and it stays a suspect of a death")
    func forgotten() async throws {
        try await withPipe { place in
            let ids = [try await place.put("a"), try await place.put("b", JobOptions(maxCrashes: 1))]
            let handler = try await place.handler(
                """
                if not lines():
                    a, b = job(), job(); note('both')
                    while len(lines()) < 2: time.sleep(0.001)
                    os._exit(1)
                for j in jobs(): answer(j)
                """)
            let claimed = try await place.claim(2)
            #expect(claimed.map(\.id) == ids)
            let runs = claimed.map { place.run($0, with: handler) }
            try await eventually("both are read") { try place.notes == ["both"] }
            runs[0].cancel()
            #expect(try await runs[0].value == .release)
            try "both\ngo\n".write(toFile: place.log, atomically: false, encoding: .utf8)
            #expect(try await runs[1].value == .suspect)
            await handler.shutDown()
        }
    }
}

/// Keeps what was logged: level, message and metadata.
private struct RecordingHandler: LogHandler {
    let messages: Log<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(_ messages: Log<String>) {
        self.messages = messages
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        messages.append("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }
}
