import Logging
import Stint
import StintCore
import StintPlatform
import Testing

@testable import StintWorker

@Suite("When commands may be started, and who pays when they cannot")
struct StartPacingTests {
    private let start = ContinuousClock.now

    @Test(
        "an errno and the step that it came from say whose fault a failed start is",
        arguments: [
            (EMFILE, StartFailure.Step.pipe, StartFailure.Fault.machine), (ENFILE, .pipe, .machine),
            (EMFILE, .descriptors, .machine), (EAGAIN, .process, .machine), (ENOMEM, .process, .machine),
            (EAGAIN, .thread, .machine), (ENOMEM, .program, .machine), (EAGAIN, .program, .machine),
            (ETXTBSY, .program, .machine), (EIO, .program, .machine), (ENFILE, .program, .machine),
            (ENOENT, .program, .configuration), (EACCES, .program, .configuration), (ENOEXEC, .program, .configuration),
            (ENOTDIR, .program, .configuration), (ELOOP, .program, .configuration), (EPERM, .program, .configuration),
            (E2BIG, .program, .configuration), (EPERM, .preparation, .configuration), (EPERM, .process, .configuration),
        ])
    func fault(number: Int32, step: StartFailure.Step, fault: StartFailure.Fault) {
        #expect(StartFailure.fault(of: number, at: step) == fault)
        // Only one kind of failure can be a job's own fault.
        let own = StartFailure.fault(of: number, at: step, fitsWithoutJob: true)
        #expect(own == (number == E2BIG ? .job : fault))
    }

    @Test("each failure says what to do about it, and its reason in words")
    func advice() {
        var failure = StartFailure(.program, "the program 'x' cannot be started", ENOENT)
        #expect(failure.description == "the program 'x' cannot be started: No such file or directory")
        #expect(failure.advice.contains("interpreter") && failure.advice.contains("carriage return"))
        failure.hasProgram = false
        #expect(failure.advice.contains("put the program back"))
        for number in [EACCES, ENOEXEC, E2BIG, EMFILE, ENFILE, EAGAIN, ENOMEM, ETXTBSY] {
            #expect(!StartFailure(.program, "x", number).advice.contains("execve(2)"))
        }
    }

    @Test("delays double from the first to the longest, and begin anew")
    func backoff() {
        var backoff = BackoffCounter(Backoff(first: .milliseconds(100), longest: .seconds(1)))
        #expect((1...6).map { _ in backoff.next() } == [100, 200, 400, 800, 1_000, 1_000].map { .milliseconds($0) })
        for _ in 1...100 { #expect(backoff.next() == .seconds(1)) }
        backoff.reset()
        #expect(backoff.next() == .milliseconds(100))
    }

    @Test("what happens again and again is said at once and then once a minute, with a count")
    func notice() {
        var notice = RepeatedNotice()
        let said = (0..<200).map { notice.happened(at: start + .seconds($0)) }
        #expect(said.enumerated().filter { $0.element != nil }.map(\.offset) == [0, 60, 120, 180])
        #expect(said.compactMap(\.self) == [1, 60, 60, 60])
        notice.reset()
        #expect(notice.happened(at: start) == 1)
    }

    @Test("after a failed start nothing is started for a while, then one job, and after one that works any number")
    func trouble() {
        var pacing = StartPacing()
        #expect(pacing.allowance(running: 3, at: start).count == .max)
        for _ in 1...40 {
            // All that were started together count as one failure.
            let notice = pacing.failed(.configuration, isExhaustion: false, running: 0, at: start)
            _ = notice
        }
        #expect(pacing.allowance(running: 0, at: start) == (0, .milliseconds(100)))
        #expect(pacing.allowance(running: 0, at: start + .milliseconds(100)) == (1, nil))
        pacing.begin()
        #expect(pacing.allowance(running: 0, at: start + .seconds(1)) == (0, nil))
        #expect(pacing.failed(.machine, isExhaustion: false, running: 0, at: start + .seconds(1)) == nil)
        #expect(pacing.allowance(running: 0, at: start + .seconds(1)) == (0, .milliseconds(200)))
        pacing.begin()
        // The job was cancelled before its process existed: another one is tried.
        pacing.end()
        #expect(pacing.allowance(running: 0, at: start + .seconds(2)).count == 1)
        #expect(pacing.started(running: 1, concurrency: 40, at: start + .seconds(2)) == .startsAgain)
        #expect(pacing.allowance(running: 1, at: start + .seconds(2)).count == .max)
        #expect(pacing.started(running: 2, concurrency: 40, at: start + .seconds(2)) == nil)
    }

    @Test("what the machine refuses while others run lowers how many run at once, and is tried again one by one")
    func limit() {
        var pacing = StartPacing()
        #expect(pacing.failed(.machine, isExhaustion: true, running: 9, at: start) == .limited(to: 9))
        #expect(pacing.failed(.machine, isExhaustion: true, running: 9, at: start) == nil)
        #expect(!pacing.isBackingOff)
        #expect(pacing.allowance(running: 9, at: start).count == 0)
        #expect(pacing.allowance(running: 7, at: start).count == 2)
        let later = start + .seconds(60)
        #expect(pacing.allowance(running: 9, at: later).count == 1)
        #expect(pacing.started(running: 10, concurrency: 11, at: later) == nil)
        #expect(pacing.allowance(running: 10, at: later).count == 0)
        #expect(pacing.allowance(running: 10, at: later + .seconds(5)).count == 1)
        #expect(pacing.started(running: 11, concurrency: 11, at: later + .seconds(5)) == .limitLifted)
        #expect(pacing.allowance(running: 11, at: later + .seconds(5)).count == .max)
    }

    @Test("a wrong configuration does not lower how many run at once")
    func noLimit() {
        var pacing = StartPacing()
        #expect(
            pacing.failed(.configuration, isExhaustion: false, running: 9, at: start) == .cannotStart(times: 1))
        #expect(pacing.mostAtOnce == nil && pacing.isBackingOff)
    }

    @Test("a worker that could make no process for a minute, with none of its own running, is told to end")
    func exhaustion() {
        var pacing = StartPacing()
        func fail(_ seconds: Int, isExhaustion: Bool = true, running: Int = 0) {
            _ = pacing.failed(.machine, isExhaustion: isExhaustion, running: running, at: start + .seconds(seconds))
        }
        fail(0)
        fail(59)
        #expect(!pacing.isExhausted)
        fail(60, running: 1)
        fail(61)
        fail(120)
        #expect(!pacing.isExhausted)
        fail(121)
        #expect(pacing.isExhausted)
        // After another reason, or a start that works, it counts from the beginning.
        pacing = StartPacing()
        fail(0)
        fail(50, isExhaustion: false)
        fail(70)
        _ = pacing.started(running: 1, concurrency: 1, at: start + .seconds(71))
        fail(131)
        #expect(!pacing.isExhausted)
    }

    @Test(
        "the limit of open files says how many commands have room",
        arguments: [(64, 20, 40, 3), (64, 60, 40, 1), (1_024, 20, 40, 40), (1_024, 20, 1_000, 123)])
    func room(limit: Int, inUse: Int, wanted: Int, room: Int) {
        #expect(DescriptorLimit.room(limit: limit, inUse: inUse, wanted: wanted) == room)
    }

    @Test(
        "the limit of processes says how many commands have room, with the threads that serve them",
        arguments: [(60, 50, 7), (10, 50, 1), (100, 50, 15), (100_000, 50, 50)])
    func processRoom(limit: Int, wanted: Int, room: Int) {
        #expect(ProcessLimit.room(limit: limit, wanted: wanted) == room)
    }
}

@Suite("A job whose command cannot be started", .timeLimit(.minutes(2)))
struct CommandStartTests {
    /// How a run of a job ends.
    private func verdict(_ handler: CommandHandler, headers: [String: String] = [:]) async throws -> HandlerOutcome
        .Verdict?
    {
        var verdict: HandlerOutcome.Verdict?
        try await withQueue { queue in
            try await queue.enqueue(payload: [], in: "q", options: JobOptions(headers: try Headers(headers)))
            let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(3_600), worker: "test")
            let job = try #require(try await queue.store.claim(request).first)
            let context = JobContext(
                job: job, store: queue.store, worker: "test", logger: Logger(label: "test"))
            do {
                try await handler.run(context)
            } catch let end as HandlerOutcome {
                verdict = end.verdict
            }
        }
        return verdict
    }

    @Test("is not blamed for an environment that others have made too large, whatever headers it has")
    func environmentOfOthers() async throws {
        let large = ["LARGE": String(repeating: "x", count: 140_000)]
        let handler = try await CommandHandler(["true"], variables: large)
        #expect(try await verdict(handler) == .notStarted)
        #expect(try await verdict(handler, headers: ["a": String(repeating: "x", count: 60_000)]) == .notStarted)
        #expect(handler.gate.isBackingOff)
    }

    @Test("is not blamed for an argument that no program can get")
    func argument() async throws {
        #expect(try await verdict(CommandHandler(["true", "a\0b"])) == .notStarted)
    }
}
