import Testing

@testable import StintCore

@Suite("A busy worker passes over a suspect for most of the time, and makes room for it in the end")
struct SuspectWaitTests {
    /// In milliseconds since it passed over the suspect first, of a worker that begins at once.
    @Test(
        "what it does, and for how long",
        arguments: [
            (0, SuspectWait.Choice.passOver, 750), (749, .passOver, 1), (750, .makeRoom, 250), (999, .makeRoom, 1),
            (1_000, .passOver, 1_500), (2_499, .passOver, 1), (2_500, .makeRoom, 500), (3_000, .passOver, 3_000),
            (6_000, .makeRoom, 1_000), (7_000, .passOver, 6_000), (13_000, .makeRoom, 2_000),
        ] as [(Int, SuspectWait.Choice, Int)])
    func table(_ waited: Int, _ choice: SuspectWait.Choice, _ lasts: Int) {
        for worker in [nil, WorkerID(rawValue: 8), WorkerID(rawValue: 0)] {
            let result = SuspectWait.choice(after: .milliseconds(waited), of: worker)
            #expect(result.choice == choice && result.lasts == .milliseconds(lasts))
        }
    }

    @Test("workers begin to make room at different times")
    func places() {
        let starts = (0..<8).map { id in
            stride(from: 0, to: 5_000, by: 5).first {
                SuspectWait.choice(after: .milliseconds($0), of: WorkerID(rawValue: id)).choice == .makeRoom
            }
        }
        #expect(starts == [750, 875, 1_000, 1_125, 1_250, 1_375, 1_500, 1_625])
        // Nor is a first choice ended before it is.
        let first = SuspectWait.choice(after: .zero, of: WorkerID(rawValue: 7))
        #expect(first.choice == .passOver && first.lasts == .milliseconds(1_625))
    }

    @Test("a quarter of the time at most is lost, however long it waits, and no job is longer than all times together")
    func fairness() {
        var (lost, longest, time) = (Duration.zero, Duration.zero, Duration.zero)
        while time < .seconds(100_000) {
            let (choice, lasts) = SuspectWait.choice(after: time, of: nil)
            if choice == .makeRoom {
                lost += lasts
                longest = max(longest, lasts)
            }
            time += lasts
            #expect(lost <= time / 4)
        }
        #expect(longest >= time / 16)
    }
}

@Suite("A budget of bytes")
struct ByteBudgetTests {
    @Test(
        "admits what fits in beside what is held, and one of any size where nothing is",
        arguments: [
            (0, 500, true), (0, 0, true), (0, .max, true), (40, 60, true), (40, 61, false), (100, 0, true),
            (100, 1, false), (120, 0, false), (1, .max, false),
        ] as [(Int, Int, Bool)])
    func admits(_ held: Int, _ size: Int, _ isAdmitted: Bool) {
        #expect(ByteBudget(bytes: 100).admits(size, beside: held) == isAdmitted)
    }

    @Test("is used up by what is held")
    func left() {
        #expect(ByteBudget(bytes: 100).left(beside: 30) == 70)
        #expect(ByteBudget(bytes: 100).left(beside: 130) <= 0)
    }
}

@Suite("What became of a settlement whose outcome is not known is told by the job's lease and state")
struct UnknownSettlementTests {
    private static let ready = Settlement.Answer.settled(.ready)

    @Test(
        arguments: [
            (.ack, nil, .settled(.done)), (.ack, .done, .settled(.done)), (.ack, .ready, .leaseLost),
            (.ack, .leased, .leaseLost), (.ack, .buried, .leaseLost),
            (.release(after: .zero), .ready, ready), (.release(after: .zero), .leased, ready),
            (.release(after: .seconds(1)), .delayed, .settled(.delayed)), (.suspect, .ready, ready),
            (.fail(error: "e", retryAfter: .zero), .delayed, .settled(.delayed)),
            (.fail(error: "e", retryAfter: .zero), .buried, .settled(.buried)),
            (.fail(error: "e", retryAfter: .zero), .leased, ready),
            (.crash(error: "e", retryAfter: .zero), .ready, ready),
            (.crash(error: "e", retryAfter: .zero), .buried, .settled(.buried)),
            (.bury(reason: "r"), .buried, .settled(.buried)),
            (.bury(reason: "r"), .leased, .leaseLost),
            (.ack, .cancelled, .leaseLost), (.expire, .expired, .settled(.expired)), (.expire, nil, .settled(.expired)),
            (.expire, .cancelled, .leaseLost),
            (.refuse(reason: "r", retryAfter: .zero, patience: .zero), .buried, .settled(.buried)),
            (.refuse(reason: "r", retryAfter: .zero, patience: .zero), .delayed, .settled(.delayed)),
            (.refuse(reason: "r", retryAfter: .zero, patience: .zero), .leased, ready),
        ] as [(Settlement.Outcome, JobState?, Settlement.Answer)])
    func answer(_ outcome: Settlement.Outcome, _ state: JobState?, _ answer: Settlement.Answer) {
        let settlement = Settlement(Lease(job: JobID(rawValue: 1), token: FencingToken(rawValue: 1)), outcome)
        #expect(settlement.answer(isHeld: false, state: state) == answer)
        #expect(settlement.answer(isHeld: true, state: .leased) == nil, "it has not happened")
    }
}
