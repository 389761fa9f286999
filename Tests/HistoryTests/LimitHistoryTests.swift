import History
import Testing

@Suite("The checker of histories, on limits, order and turns")
struct LimitHistoryTests {
    /// Which of these rules a history breaks.
    private func broken(_ build: (inout HistoryBuilder) -> Void) -> Set<Rule> {
        var history = HistoryBuilder()
        build(&history)
        return history.broken(drained: false)
            .intersection([.tooManyRunning, .rateExceeded, .groupOrder, .unfairTurn, .brokenGroup])
    }

    // MARK: - How many at a time

    @Test("counts what a queue's claims have leased and cannot have ended")
    func concurrency() {
        func two(_ between: (inout HistoryBuilder) -> Void) -> Set<Rule> {
            broken { history in
                history.limit(.init(concurrency: 1))
                history.claim("w", 1, token: 1)
                between(&history)
                history.claim("v", 2, token: 2)
            }
        }
        #expect(two { _ in } == [.tooManyRunning])
        #expect(two { $0.settle("w", 1, token: 1) } == [])
        #expect(two { $0.settle("w", 1, token: 1, .ack, .leaseLost) } == [.tooManyRunning])
        #expect(two { $0.callInVain("w", $0.settlement(1, 1)) } == [])
        #expect(two { $0.reap(at: 500) } == [.tooManyRunning])
        #expect(two { $0.reap(at: 2_000) } == [])
        #expect(two { $0.call("operator", .bury(jobs: [1])) } == [])
        #expect(two { $0.call("operator", .bury(jobs: [7])) } == [.tooManyRunning])
        #expect(two { $0.limit(.init(concurrency: 2)) } == [])
        #expect(two { $0.limit(.init(rate: .init(starts: 9, window: 9))) } == [.tooManyRunning])
        #expect(two { $0.callInVain("operator", .limit(queue: "q", .init(concurrency: 0))) } == [])
        #expect(two { $0.limit(.init(concurrency: 0)) } == [])
    }

    @Test("a limit that was lowered counts at the next claim, and not before")
    func lowered() {
        func then(_ next: (inout HistoryBuilder) -> Void) -> Set<Rule> {
            broken { history in
                history.limit(.init(concurrency: 2))
                history.claim("w", 1, token: 1)
                history.claim("w", 2, token: 2)
                history.limit(.init(concurrency: 1))
                history.settle("w", 1, token: 1)
                next(&history)
            }
        }
        #expect(then { _ in } == [])
        #expect(then { $0.claim("w", 3, token: 3) } == [.tooManyRunning])
        #expect(
            then {
                $0.settle("w", 2, token: 2)
                $0.claim("w", 3, token: 3)
            } == [])
    }

    @Test("counts the jobs of each group for itself, and none without a group")
    func groupConcurrency() {
        func claims(_ groups: String?...) -> Set<Rule> {
            broken { history in
                history.limit(.init(groupConcurrency: 1, isLoose: true))
                for (number, group) in groups.enumerated() { history.put(Int64(number), group: group) }
                for number in groups.indices { history.claim("w", Int64(number), token: Int64(number) + 1) }
            }
        }
        #expect(claims("a", "b", nil, nil) == [])
        #expect(claims("a", "b", "a") == [.tooManyRunning])
    }

    @Test("counts the jobs of one answer")
    func batch() {
        let rules = broken { history in
            history.limit(.init(concurrency: 1))
            let claimed = [history.claimed(1, 1), history.claimed(2, 1)]
            history.call(
                "w", .exchange([], claim: .init(worker: nil, deadline: 9, boot: "b")), .exchanged([], claimed: claimed))
        }
        #expect(rules == [.tooManyRunning])
    }

    // MARK: - How many in a time

    @Test("knows when more jobs than allowed were certainly claimed within a window")
    func rate() {
        func claims(after wait: Int64, _ limits: Call.Limits, group: String? = nil) -> Set<Rule> {
            broken { history in
                history.limit(limits)
                for job in 1...3 as ClosedRange<Int64> { history.put(job, group: group) }
                history.claim("w", 1, token: 1)
                history.claim("w", 2, token: 2)
                history.wait(wait)
                history.claim("w", 3, token: 3)
            }
        }
        let rate = Call.Limits(rate: .init(starts: 2, window: 100))
        #expect(claims(after: 0, rate) == [.rateExceeded])
        #expect(claims(after: 90, rate) == [.rateExceeded])
        // From the first line of the first claim to the last one of the last there are 5 ms more.
        #expect(claims(after: 93, rate) == [.rateExceeded])
        #expect(claims(after: 94, rate) == [])
        #expect(claims(after: 0, .init(rate: .init(starts: 3, window: 100))) == [])
        let groupRate = Call.Limits(groupRate: .init(starts: 2, window: 100))
        #expect(claims(after: 0, groupRate, group: "a") == [.rateExceeded])
        #expect(claims(after: 0, groupRate) == [])
    }

    @Test("a claim may have been at any moment between its lines, and under any rate that may have been there")
    func uncertainRate() {
        let slow = broken { history in
            history.limit(.init(rate: .init(starts: 1, window: 100)))
            let call = history.invoke("w", .exchange([], claim: .init(worker: nil, deadline: 999, boot: "b")))
            history.wait(100)
            history.add("w", .returned(call: call, .exchanged([], claimed: [history.claimed(1, 1)])))
            history.claim("w", 2, token: 2)
        }
        #expect(slow == [])
        let later = broken { history in
            history.claim("w", 1, token: 1)
            history.limit(.init(rate: .init(starts: 1, window: 100)))
            history.claim("w", 2, token: 2)
        }
        #expect(later == [])
    }

    // MARK: - In which order

    /// Jobs 1 and 2 of one group; job 1 has failed and waits.
    private func retry(_ limits: Call.Limits, _ next: (inout HistoryBuilder) -> Void) -> Set<Rule> {
        broken { history in
            history.limit(limits)
            history.put(1, group: "a")
            history.put(2, group: "a")
            history.claim("w", 1, token: 1)
            history.settle("w", 1, token: 1, .fail, .delayed)
            next(&history)
        }
    }

    @Test("knows a job that passed one of its group that waits for its retry")
    func retries() {
        func pass(_ history: inout HistoryBuilder) {
            history.claim("w", 2, token: 2)
            history.settle("w", 2, token: 2)
            history.claim("w", 1, token: 3, attempt: 2)
        }
        let strict = Call.Limits(groupConcurrency: 1)
        #expect(retry(strict, pass) == [.groupOrder])
        #expect(retry(.init(groupConcurrency: 1, isLoose: true), pass) == [])
        #expect(retry(.init(groupConcurrency: 2), pass) == [])
        let inOrder = retry(strict) { history in
            history.claim("w", 1, token: 2, attempt: 2)
            history.settle("w", 1, token: 2)
            history.claim("w", 2, token: 3)
        }
        #expect(inOrder == [])
        let kicked = retry(strict) { history in
            history.call("operator", .bury(jobs: [1]))
            history.claim("w", 2, token: 2)
            history.settle("w", 2, token: 2)
            history.call("operator", .kick(jobs: [1]))
            history.claim("w", 1, token: 3)
        }
        #expect(kicked == [])
        let loosened = retry(strict) { history in
            history.callInVain("operator", .limit(queue: "q", .init(isLoose: true)))
            pass(&history)
        }
        #expect(loosened == [])
    }

    @Test("knows a job that passed one of its group that was ready before it and comes first")
    func order() {
        func claims(_ put: (inout HistoryBuilder) -> Void) -> Set<Rule> {
            broken { history in
                history.limit(.init(groupConcurrency: 1))
                put(&history)
                for (job, token) in [(2, 1), (1, 2)] as [(Int64, Int64)] {
                    history.claim("w", job, token: token)
                    history.settle("w", job, token: token)
                }
            }
        }
        func put(_ group: String, priority: UInt32, isDelayed: Bool? = nil) -> Set<Rule> {
            claims { history in
                history.put(1, group: "a", priority: 5, isDelayed: isDelayed)
                history.put(2, group: group, priority: priority)
            }
        }
        #expect(put("a", priority: 5) == [.groupOrder])
        #expect(put("a", priority: 6) == [.groupOrder])
        #expect(put("a", priority: 4) == [])
        #expect(put("b", priority: 5) == [])
        #expect(put("a", priority: 5, isDelayed: true) == [])
    }

    // MARK: - Turns

    /// A queue in which `served` jobs of the group "big" are claimed before the one of "small".
    private func turns(served: Int64, _ change: (inout HistoryBuilder) -> Void = { _ in }) -> Set<Rule> {
        broken { history in
            for job in 1...served { history.put(job, group: "big") }
            history.put(100, group: "small")
            change(&history)
            for job in 1...served { history.claim("w", job, token: job) }
            history.claim("w", 100, token: 100)
        }
    }

    @Test("knows a group that waited for longer than two rounds")
    func fairness() {
        #expect(turns(served: 2) == [])
        #expect(turns(served: 3) == [.unfairTurn])
        #expect(turns(served: 3) { $0.limit(.init(isFair: false)) } == [])
        func weigh(_ group: String, _ weight: Int) -> (inout HistoryBuilder) -> Void {
            { $0.call("operator", .weigh(queue: "q", group: group, weight: weight)) }
        }
        #expect(turns(served: 4, weigh("big", 3)) == [])
        #expect(turns(served: 5, weigh("big", 3)) == [.unfairTurn])
        #expect(turns(served: 3, weigh("small", 3)) == [.unfairTurn])
        let late = broken { history in
            for job in 1...9 as ClosedRange<Int64> {
                history.put(job, group: "big")
                history.claim("w", job, token: job)
            }
            history.put(100, group: "small")
            history.claim("w", 100, token: 100)
        }
        #expect(late == [])
        // Job 100 was buried, and so was not ready, for a time.
        let buried: (inout HistoryBuilder) -> Void = { history in
            history.call("operator", .bury(jobs: [100]))
            history.call("operator", .kick(jobs: [100]))
        }
        #expect(turns(served: 3, buried) == [])
        #expect(turns(served: 3) { $0.call("operator", .kick(jobs: [7])) } == [.unfairTurn])
    }

    @Test("claims that run ahead may take several of a group in a row: up to 16, of at least 4 groups")
    func rows() {
        func turns(served: Int64, limit: Int, idleSlots: Int) -> Set<Rule> {
            broken { history in
                for job in 1...served { history.put(job, group: "big") }
                history.put(100, group: "small")
                for job in Array(1...served) + [100] {
                    history.call(
                        "w",
                        .exchange(
                            [],
                            claim: .init(
                                worker: nil, deadline: 1_000, boot: "b", limit: limit, idleSlots: idleSlots)),
                        .exchanged([], claimed: [history.claimed(job, job)]))
                }
            }
        }
        #expect(turns(served: 3, limit: 8, idleSlots: 1) == [])
        #expect(turns(served: 4, limit: 8, idleSlots: 1) == [.unfairTurn])
        #expect(turns(served: 17, limit: 1_000, idleSlots: 1) == [])
        #expect(turns(served: 18, limit: 1_000, idleSlots: 1) == [.unfairTurn])
        #expect(turns(served: 3, limit: 8, idleSlots: 8) == [.unfairTurn])
        #expect(turns(served: 3, limit: 64, idleSlots: 64) == [])
        #expect(turns(served: 4, limit: 64, idleSlots: 64) == [.unfairTurn])
    }

    @Test("a claim of unknown outcome may have served a group")
    func unknownTurns() {
        let claim = Call.exchange([], claim: .init(worker: nil, deadline: 9, boot: "b"))
        #expect(turns(served: 3) { $0.callInVain("v", claim) } == [])
        let before = broken { history in
            history.callInVain("v", claim)
            history.add("v", .killed)
            for job in 1...3 as ClosedRange<Int64> { history.put(job, group: "big") }
            history.put(100, group: "small")
            for job in [1, 2, 3, 100] as [Int64] { history.claim("w", job, token: job) }
        }
        #expect(before == [.unfairTurn])
        #expect(turns(served: 3) { $0.call("v", claim, .exchanged([], claimed: [])) } == [.unfairTurn])
    }

    @Test("reports a group that a reap had to put back in line")
    func repair() {
        let rules = broken { $0.call("reaper", .reap(monotonic: 1, boot: "b"), .repaired(groups: 1)) }
        #expect(rules == [.brokenGroup])
        #expect(broken { $0.reap(at: 1) } == [])
    }
}

extension HistoryBuilder {
    fileprivate mutating func put(
        _ job: Int64, group: String?, priority: UInt32? = nil, isDelayed: Bool? = nil
    ) {
        call(
            "producer",
            .enqueue([
                .init(reference: "r\(job)", queue: "q", group: group, priority: priority, isDelayed: isDelayed)
            ]), .enqueued([.init(job: job, isDuplicate: false)]))
    }

    fileprivate mutating func limit(_ limits: Call.Limits) {
        call("operator", .limit(queue: "q", limits))
    }
}
