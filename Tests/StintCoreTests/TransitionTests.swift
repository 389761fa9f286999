import StintCore
import Testing

/// A leased job in its `n`th attempt.
private func attempt(
    _ attempts: Int64, of maxAttempts: Int64 = 10, crashes: Int64 = 0, of maxCrashes: Int64 = 3,
    isSuspect: Bool = false
) -> HeldAttempt {
    HeldAttempt(
        attempts: attempts, crashes: crashes, maxAttempts: maxAttempts, maxCrashes: maxCrashes, isSuspect: isSuspect)
}

private func waiting(
    _ delay: Duration = .zero, attempts: Int64, crashes: Int64 = 0, isSuspect: Bool = false
) -> Transition.Destination {
    .waiting(after: delay, attempts: attempts, crashes: crashes, isSuspect: isSuspect)
}

private func buried(_ reason: String, attempts: Int64, crashes: Int64 = 0) -> Transition.Destination {
    .buried(reason: reason, attempts: attempts, crashes: crashes)
}

@Suite("Transition: where a leased job goes")
struct TransitionTests {
    // MARK: - When its holder settles it

    @Test(
        "settled",
        arguments: [
            // outcome, the job, where it goes
            (.ack, attempt(1), .done),
            (.ack, attempt(10, crashes: 2), .done),

            // An attempt that did not start, or was stopped, is given back.
            (.release(after: .zero), attempt(1), waiting(attempts: 0)),
            (.release(after: .seconds(5)), attempt(4, crashes: 2), waiting(.seconds(5), attempts: 3, crashes: 2)),
            (.release(after: .zero), attempt(11, of: 10), waiting(attempts: 10)),
            (.release(after: .zero), attempt(2, isSuspect: true), waiting(attempts: 1, isSuspect: true)),
            (.release(after: .zero), attempt(0), waiting(attempts: 0)),

            // The cause of a death is not known: it runs alone next, at no cost.
            (.suspect, attempt(2, crashes: 1), waiting(attempts: 1, crashes: 1, isSuspect: true)),
            (.suspect, attempt(2, isSuspect: true), waiting(attempts: 1, isSuspect: true)),

            // A failure uses the attempt up. After any end of its own, the job is no suspect any more.
            (.fail(error: "e", retryAfter: .seconds(2)), attempt(1), waiting(.seconds(2), attempts: 1)),
            (.fail(error: "e", retryAfter: .zero), attempt(9), waiting(attempts: 9)),
            (.fail(error: "e", retryAfter: .zero), attempt(2, isSuspect: true), waiting(attempts: 2)),
            (
                .fail(error: "e", retryAfter: .zero), attempt(10),
                buried("no attempts left (10 of 10), last: e", attempts: 10)
            ),
            (
                .fail(error: "e", retryAfter: .zero), attempt(1, of: 1),
                buried("no attempts left (1 of 1), last: e", attempts: 1)
            ),
            // A failure is no crash.
            (.fail(error: "e", retryAfter: .zero), attempt(5, crashes: 2), waiting(attempts: 5, crashes: 2)),

            // A crash counts twice: as an attempt and as a crash.
            (.crash(error: "e", retryAfter: .seconds(1)), attempt(1), waiting(.seconds(1), attempts: 1, crashes: 1)),
            (.crash(error: "e", retryAfter: .zero), attempt(2, isSuspect: true), waiting(attempts: 2, crashes: 1)),
            (
                .crash(error: "e", retryAfter: .zero), attempt(3, crashes: 2),
                buried("crashed 3 times (at most 3 allowed), last: e", attempts: 3, crashes: 3)
            ),
            (
                .crash(error: "e", retryAfter: .zero), attempt(10),
                buried("no attempts left (10 of 10), last: e", attempts: 10, crashes: 1)
            ),

            (
                .bury(reason: "no such member"), attempt(2, crashes: 1),
                buried("no such member", attempts: 2, crashes: 1)
            ),
        ] as [(Settlement.Outcome, HeldAttempt, Transition.Destination)])
    func settled(_ outcome: Settlement.Outcome, _ job: HeldAttempt, _ destination: Transition.Destination) {
        #expect(Transition.after(outcome, job).destination == destination)
    }

    @Test(
        "what is kept in the job's history",
        arguments: [
            (.ack, nil, ""), (.release(after: .zero), nil, ""), (.suspect, nil, ""),
            (.fail(error: "e", retryAfter: .zero), .failed, "e"),
            (.crash(error: "e", retryAfter: .zero), .crashed, "e"),
            (.bury(reason: "r"), .buried, "r"),
        ] as [(Settlement.Outcome, JobFailure.Kind?, String)])
    func history(_ outcome: Settlement.Outcome, _ kind: JobFailure.Kind?, _ error: String) {
        let failure = Transition.after(outcome, attempt(1)).failure
        #expect(failure == kind.map { Transition.Failure(kind: $0, error: error) })
    }

    @Test("a job whose time is over before its start expires, and has its attempt back")
    func expiry() {
        let never = Transition.after(.expire, attempt(1))
        #expect(
            never.destination == .expired(reason: "its time was over before it was started", attempts: 0, crashes: 0))
        let again = Transition.after(.expire, attempt(3, crashes: 1))
        #expect(
            again.destination
                == .expired(reason: "its time was over before its next attempt was started", attempts: 2, crashes: 1))
        #expect(never.failure == nil && again.failure == nil)
    }

    @Test(
        "a refused job waits for half of the time so far, at most a minute, and is buried when the patience is over",
        arguments: [
            (nil, 5, .refused), (.zero, 5, nil), (.seconds(9), 5, nil), (.seconds(40), 20, nil),
            (.seconds(899), 60, nil),
            (.seconds(900), nil, .buried),
        ] as [(Duration?, Int?, JobFailure.Kind?)])
    func refusal(_ soFar: Duration?, _ delay: Int?, _ kind: JobFailure.Kind?) {
        let outcome = Settlement.Outcome.refuse(reason: "no handler", retryAfter: .seconds(5), patience: .seconds(900))
        let transition = Transition.after(outcome, attempt(2, crashes: 1), refusedFor: soFar)
        let end = buried("no handler; no worker had one for 900.0 seconds", attempts: 1, crashes: 1)
        #expect(transition.destination == delay.map { waiting(.seconds($0), attempts: 1, crashes: 1) } ?? end)
        #expect(transition.failure?.kind == kind)
        let impatient = Settlement.Outcome.refuse(reason: "no handler", retryAfter: .seconds(5), patience: .zero)
        #expect(
            Transition.after(impatient, attempt(1)).destination == buried("no handler", attempts: 0))
    }

    // MARK: - Limits of attempts

    @Test(
        "the smaller limit of attempts counts, of the job and of its worker",
        arguments: [
            // attempt, the job's limit, the worker's limit, why it is buried
            (1, 10, nil, nil), (9, 10, nil, nil), (10, 10, nil, "10 of 10"), (11, 10, nil, "11 of 10"),
            (4, 10, 5, nil), (5, 10, 5, "5 of the worker's 5"), (6, 10, 5, "6 of the worker's 5"),
            (2, 3, 5, nil), (3, 3, 5, "3 of 3"), (5, 5, 5, "5 of 5"), (1, 10, 1, "1 of the worker's 1"),
        ] as [(Int64, Int64, Int?, String?)])
    func limits(_ number: Int64, _ jobs: Int64, _ workers: Int?, _ reason: String?) {
        let transition = Transition.after(
            .fail(error: "e", retryAfter: .zero), attempt(number, of: jobs), maxAttempts: workers)
        let expected = reason.map { buried("no attempts left (\($0)), last: e", attempts: number) }
        #expect(transition.destination == expected ?? waiting(attempts: number))
    }

    // MARK: - When its holder is gone

    /// Of a job in its third attempt, which crashed once before.
    @Test(
        "its worker or its lease ended",
        arguments: [
            // how, what of this job had started, earlier losses, where it goes, what its history says
            (.diedByItself, .notStarted, 0, waiting(attempts: 2, crashes: 1), nil),
            (.diedByItself, .alone, 0, waiting(attempts: 3, crashes: 2), .crashed),
            (.diedByItself, .besideOthers, 0, waiting(attempts: 2, crashes: 1, isSuspect: true), nil),
            (.diedByItself, .notKnown, 0, waiting(attempts: 2, crashes: 1, isSuspect: true), nil),

            (.stoppedByOrder, .notStarted, 0, waiting(attempts: 2, crashes: 1), nil),
            (.stoppedByOrder, .alone, 0, waiting(attempts: 2, crashes: 1), nil),
            (.stoppedByOrder, .besideOthers, 5, waiting(attempts: 2, crashes: 1), nil),
            (.stoppedByOrder, .notKnown, 0, waiting(attempts: 2, crashes: 1), nil),

            (.diedWithOthers, .notStarted, 3, waiting(attempts: 2, crashes: 1), nil),
            (.diedWithOthers, .alone, 0, waiting(attempts: 2, crashes: 1), .lost),
            (.diedWithOthers, .alone, 1, waiting(.seconds(1), attempts: 2, crashes: 1, isSuspect: true), .lost),
            (.diedWithOthers, .besideOthers, 4, waiting(.seconds(8), attempts: 2, crashes: 1, isSuspect: true), .lost),
            (
                .diedWithOthers, .notKnown, .max, waiting(.seconds(3_600), attempts: 2, crashes: 1, isSuspect: true),
                .lost
            ),

            (.leaseRanOut, .notStarted, 0, waiting(attempts: 2, crashes: 1), nil),
            (.leaseRanOut, .alone, 0, waiting(attempts: 2, crashes: 1, isSuspect: true), .lost),
            (.leaseRanOut, .notKnown, 2, waiting(.seconds(2), attempts: 2, crashes: 1, isSuspect: true), .lost),
        ] as [(CrashAttribution.Ending, CrashAttribution.Start, Int, Transition.Destination, JobFailure.Kind?)])
    func gone(
        _ ending: CrashAttribution.Ending, _ start: CrashAttribution.Start, _ earlierLosses: Int,
        _ destination: Transition.Destination, _ kind: JobFailure.Kind?
    ) {
        let failure = Transition.Failure(kind: kind ?? .lost, error: "gone")
        let transition = Transition.after(
            ending, start, attempt(3, crashes: 1), failure, earlierLosses: earlierLosses)
        #expect(transition.destination == destination)
        #expect(transition.failure == kind.map { Transition.Failure(kind: $0, error: "gone") })
    }

    @Test("a suspect of which it is unknown whether it was started is not blamed, and waits longer each time")
    func unknownSuspect() {
        let suspect = HeldAttempt(attempts: 1, crashes: 0, maxAttempts: 1, maxCrashes: 1, isSuspect: true)
        for (earlierLosses, delay) in [(0, Duration.zero), (1, .seconds(1)), (2, .seconds(2))] {
            let transition = Transition.after(
                .diedByItself, .notKnown, suspect, Transition.Failure(kind: .crashed, error: "gone"),
                earlierLosses: earlierLosses)
            #expect(transition.destination == waiting(delay, attempts: 0, crashes: 0, isSuspect: true))
            #expect(transition.failure == Transition.Failure(kind: .lost, error: "gone"))
        }
    }

    @Test("a job that killed its worker too often is buried, and so is one whose attempts are used up by deaths")
    func deaths() {
        func after(_ job: HeldAttempt, maxAttempts: Int? = nil) -> Transition.Destination {
            let failure = Transition.Failure(kind: .crashed, error: "worker w died")
            return Transition.after(
                .diedByItself, .alone, job, failure, earlierLosses: 0, maxAttempts: maxAttempts
            ).destination
        }
        #expect(after(attempt(2, crashes: 1)) == waiting(attempts: 2, crashes: 2))
        #expect(
            after(attempt(3, crashes: 2))
                == buried("crashed 3 times (at most 3 allowed), last: worker w died", attempts: 3, crashes: 3))
        #expect(
            after(attempt(10)) == buried("no attempts left (10 of 10), last: worker w died", attempts: 10, crashes: 1))
        #expect(
            after(attempt(2), maxAttempts: 2)
                == buried("no attempts left (2 of the worker's 2), last: worker w died", attempts: 2, crashes: 1))
    }

    @Test("no end of a worker buries a job that is not blamed, however often it happens")
    func innocence() {
        let failure = Transition.Failure(kind: .lost, error: "gone")
        for ending in CrashAttribution.Ending.allCases {
            for start in CrashAttribution.Start.allCases
            where CrashAttribution.blame(ending, start, isSuspect: false) != .culprit {
                let job = attempt(1_000, of: 1, crashes: 1_000, of: 1)
                let transition = Transition.after(ending, start, job, failure, earlierLosses: 1_000, maxAttempts: 1)
                guard case .waiting(_, 999, 1_000, _) = transition.destination else {
                    Issue.record("\(ending), \(start): \(transition.destination)")
                    continue
                }
            }
        }
    }

    @Test("the history is read only for a job that was lost")
    func reads() throws {
        struct WasRead: Error {}
        func earlierLosses() throws -> Int { throw WasRead() }
        let failure = Transition.Failure(kind: .lost, error: "gone")
        for ending in CrashAttribution.Ending.allCases {
            for start in CrashAttribution.Start.allCases {
                func transition() throws -> Transition {
                    try Transition.after(ending, start, attempt(1), failure, earlierLosses: try earlierLosses())
                }
                if CrashAttribution.blame(ending, start, isSuspect: false) == .lost {
                    #expect(throws: WasRead.self) { try transition() }
                } else {
                    #expect(throws: Never.self) { try transition() }
                }
            }
        }
    }
}
