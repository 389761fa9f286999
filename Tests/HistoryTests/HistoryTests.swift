import Foundation
import History
import Testing

@Suite("The checker of histories")
struct HistoryTests {
    @Test("has nothing to say of a job's whole life")
    func life() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.register("w", as: 1)
        history.claim("w", 1, token: 1)
        history.start("w", 1, token: 1)
        history.settle("w", 1, token: 1, .fail, .delayed)
        history.claim("w", 1, token: 2, attempt: 2)
        history.run("w", 1, token: 2)
        history.settle("w", 1, token: 2)
        #expect(history.broken(job(1, "a", "done", attempts: 2)) == [])
    }

    @Test("misses a job that is gone, in no state, in two, or left over")
    func loss() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        #expect(history.broken() == [.lostJob])
        #expect(history.broken(job(1, "a")) == [.lostJob])
        #expect(history.broken(job(1, "a", "ready", "buried")) == [.lostJob])
        #expect(history.broken(job(1, "a", "ready")) == [.lostJob])
        #expect(history.broken(job(2, "a", "ready"), drained: false) == [.lostJob])
        #expect(history.broken(job(1, "a", "ready"), drained: false) == [])
        var deleted = history
        deleted.callInVain("operator", .delete(jobs: [1]))
        #expect(deleted.broken() == [])
    }

    @Test("sees a job that runs on after its cancel has returned, or is not cancelled in the end")
    func cancelled() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.register("w", as: 1)
        history.claim("w", 1, token: 1)
        var late = history
        history.start("w", 1, token: 1)
        history.call("operator", .cancel(jobs: [1], isCertain: true))
        #expect(history.broken(job(1, "a", "cancelled")) == [])
        #expect(history.broken(job(1, "a", "done")).contains(.cancelLost))
        #expect(history.broken(job(1, "a", "ready"), drained: false) == [.cancelLost])
        var acknowledged = history
        acknowledged.add("w", .handlerFinished(job: 1, token: 1))
        acknowledged.settle("w", 1, token: 1)
        #expect(acknowledged.broken(job(1, "a", "cancelled")) == [.staleWord])
        var refused = history
        refused.add("w", .handlerFinished(job: 1, token: 1))
        refused.settle("w", 1, token: 1, .ack, .leaseLost)
        #expect(refused.broken(job(1, "a", "cancelled")) == [])
        var again = history
        again.claim("v", 1, token: 2)
        #expect(again.broken(job(1, "a", "cancelled")) == [.ranAfterCancel])
        // Its worker had noted the start, and the handler had not said its first word.
        late.call("operator", .cancel(jobs: [1], isCertain: true))
        var soon = late
        soon.start("w", 1, token: 1)
        #expect(soon.broken(job(1, "a", "cancelled")) == [])
        late.wait(2_000)
        late.start("w", 1, token: 1)
        #expect(late.broken(job(1, "a", "cancelled")) == [.ranAfterCancel])
        var unasked = HistoryBuilder()
        unasked.enqueue("a", as: 1)
        #expect(unasked.broken(job(1, "a", "cancelled")) == [.cancelLost])
        unasked.callInVain("operator", .cancel(jobs: [1], isCertain: true))
        #expect(unasked.broken(job(1, "a", "cancelled")) == [])
        #expect(unasked.broken(job(1, "a", "ready"), drained: false) == [])
    }

    @Test("sees a job that is claimed or started after its time, and one that expires without an expiry")
    func expired() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1, expires: 1_000)
        history.register("w", as: 1)
        #expect(history.broken(job(1, "a", "expired")) == [])
        #expect(history.broken(job(1, "a")) == [.lostJob])
        func claimed(at wall: Int64, startedAt start: Int64, jump: Bool = false) -> Set<Rule> {
            var history = history
            history.claim("w", 1, token: 1, at: wall, expiring: 5_000)
            if jump { history.add("harness", .clockSet()) }
            history.add("w", .handlerStarted(job: 1, token: 1, wall: start))
            history.add("w", .handlerFinished(job: 1, token: 1))
            history.settle("w", 1, token: 1)
            return history.broken(job(1, "a", "done"))
        }
        #expect(claimed(at: 4_999, startedAt: 5_900) == [])
        #expect(claimed(at: 5_000, startedAt: 5_000) == [.ranExpired])
        #expect(claimed(at: 4_000, startedAt: 6_001) == [.ranExpired])
        #expect(claimed(at: 4_000, startedAt: 9_000, jump: true) == [])
        var settled = history
        settled.claim("w", 1, token: 1, at: 4_000, expiring: 5_000)
        settled.settle("w", 1, token: 1, .expire, .expired)
        #expect(settled.broken(job(1, "a", "expired")) == [])
        var unasked = HistoryBuilder()
        unasked.enqueue("a", as: 1)
        #expect(unasked.broken(job(1, "a", "expired")) == [.expiredUnasked])
    }

    @Test("knows what a failed, an unknown and a doubled enqueue may leave")
    func outcomes() {
        let call = Call.enqueue([.init(reference: "a", queue: "q")])
        var failed = HistoryBuilder()
        failed.add("p", .failed(call: failed.invoke("p", call), code: "storageFailed"))
        #expect(failed.broken() == [])
        #expect(failed.broken(job(1, "a", "ready"), drained: false) == [.phantomJob])
        var unknown = HistoryBuilder()
        unknown.callInVain("p", call)
        #expect(unknown.broken() == [])
        #expect(unknown.broken(job(1, "a", "ready"), drained: false) == [])
        #expect(unknown.broken(job(1, "a", "ready"), job(2, "a", "ready"), drained: false) == [.doubledJob])
        #expect(unknown.broken(job(1, "b", "ready"), drained: false) == [.unknownJob])
        var twice = HistoryBuilder()
        twice.enqueue("a", as: 1)
        twice.enqueue("b", as: 1)
        #expect(twice.broken(job(1, "a", "ready"), drained: false).contains(.doubledJob))
    }

    @Test("lets a worker give back what it has found to hold, and nobody else")
    func foundLeases() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.callInVain("w", .exchange([], claim: .init(worker: 1, deadline: 1_000, boot: "b")))
        let lease = Call.Lease(job: 1, token: 1)
        func giveBack(_ process: String, _ history: HistoryBuilder) -> Set<Rule> {
            var history = history
            history.call(process, .exchange([.init(lease, .release)], claim: nil), .exchanged([.ready], claimed: []))
            return history.broken(job(1, "a", "ready"), drained: false)
        }
        #expect(giveBack("w", history) == [.staleWord])
        history.call("w", .lookUp(worker: 1), .held([lease]))
        #expect(giveBack("w", history) == [])
        #expect(giveBack("x", history) == [.staleWord])
    }

    @Test("lets a worker give back what its supervisor has claimed for it too late, if it has asked for jobs")
    func lateClaims() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        for (worker, process) in ["w", "x"].enumerated() {
            history.register(process, as: Int64(worker + 1), under: "house", writesThroughSupervisor: true)
        }
        history.enqueue("b", as: 2)
        history.callInVain("w", .exchange([], claim: .init(worker: 1, deadline: 1_000, boot: "b", limit: 1)))
        func settle(
            _ process: String, _ outcome: Call.Outcome, _ answer: Answer.Settled, both: Bool = false
        ) -> Set<Rule> {
            var history = history
            history.settle(process, 1, token: 1, outcome, answer)
            if both { history.settle(process, 2, token: 2, outcome, answer) }
            return history.broken(job(1, "a", "ready"), job(2, "b", "ready"), drained: false)
        }
        #expect(settle("w", .release, .ready) == [])
        #expect(settle("w", .fail, .delayed) == [.staleWord])
        #expect(settle("x", .release, .ready) == [.staleWord])
        // More than it had asked for.
        #expect(settle("w", .release, .ready, both: true) == [.staleWord])
    }

    @Test("lets a copy of the database undo what was done since it was begun, and nothing else")
    func replacement() {
        /// What `body` tells happens before the copy is begun, in between, or when it has arrived.
        func tales(_ start: HistoryBuilder = HistoryBuilder(), _ body: (inout HistoryBuilder) -> Void)
            -> [HistoryBuilder]
        {
            (0...2).map { place in
                var history = start
                if place == 0 { body(&history) }
                history.add("harness", .copying)
                if place == 1 { body(&history) }
                history.add("harness", .replaced)
                if place == 2 { body(&history) }
                return history
            }
        }
        var (given, keyed) = (HistoryBuilder(), HistoryBuilder())
        given.enqueue("a", as: 1)
        keyed.enqueue("a", as: 1, key: "k")
        let enqueued = tales { $0.enqueue("a", as: 1) }
        #expect(enqueued.map { $0.broken() } == [[.lostJob], [], [.lostJob]])
        #expect(enqueued.map { $0.broken(job(1, "a", "ready"), drained: false) } == [[], [], []])
        let renamed = enqueued.map { $0.broken(job(2, "a", "ready"), drained: false) }
        #expect(renamed == [[.lostJob], [.lostJob], [.lostJob]])
        // An ack that was undone: the job runs again. The lease is nobody's any more, whoever held it.
        let done = tales(given) { $0.work("w", 1, token: 1) }
        let again = done.map { history in
            var history = history
            history.work("v", 1, token: 2)
            return history.broken(job(1, "a", "done"))
        }
        #expect(again == [[.ranAfterDone], [], [.ranAfterDone]])
        let claimed = tales(given) { $0.claim("w", 1, token: 1) }
        let twice = claimed.map { history in
            var history = history
            history.claim("v", 1, token: 2)
            return history.broken(job(1, "a", "leased"), drained: false)
        }
        #expect(twice == [[], [], [.twoLeases]])
        // A token is not given out a second time.
        var reused = claimed[1]
        reused.enqueue("b", as: 2)
        reused.claim("v", 2, token: 1)
        #expect(
            reused.broken(job(1, "a", "ready"), job(2, "b", "leased"), drained: false).contains(.tokenReused))
        // The key of a job that is gone is free, and that of one whose ack was undone is not.
        let keys = tales { $0.enqueue("a", as: 1, key: "k") }.map { history in
            var history = history
            history.enqueue("b", as: 2, key: "k")
            return history.broken(job(2, "b", "ready", key: "k"), drained: false)
        }
        #expect(keys == [[.lostJob, .keyTwice], [], [.lostJob, .keyTwice]])
        let swallowed = tales(keyed) { $0.work("w", 1, token: 1) }.map { history in
            var history = history
            history.enqueue("b", as: 1, key: "k", duplicate: true)
            return history.broken(job(1, "a", "ready", key: "k"), drained: false)
        }
        #expect(swallowed == [[.swallowed], [], [.swallowed]])
        // What a failure cost is undone with it.
        let failed = tales(given) { history in
            history.claim("w", 1, token: 1)
            history.start("w", 1, token: 1)
            history.settle("w", 1, token: 1, .fail, .delayed)
        }
        let unpaid = failed.map { history in
            var history = history
            history.claim("w", 1, token: 2, attempt: 1)
            return history.broken(job(1, "a", "leased", attempts: 0), drained: false)
        }
        #expect(unpaid == [[.attemptNotCounted], [], [.attemptNotCounted]])
        // A copy that did not arrive undoes nothing.
        var refused = HistoryBuilder()
        refused.add("harness", .copying)
        refused.enqueue("a", as: 1)
        #expect(refused.broken() == [.lostJob])
    }

    @Test("lets a command that dies with its worker have had no time for its first word, once for each kill")
    func silentCommands() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.enqueue("b", as: 2)
        history.add("w", .killed)
        let (one, two) = (job(1, "a", "ready", attempts: 1, crashes: 1), job(1, "a", "ready", crashes: 2))
        let other = job(2, "b", "ready")
        #expect(history.broken(one, other, drained: false) == [.blamedInnocent])
        history.add("command", .began(supervisor: nil, role: History.command))
        #expect(history.broken(one, other, drained: false) == [])
        #expect(history.broken(two, other, drained: false) == [.blamedInnocent])
    }

    @Test(
        "lets a handler be blamed that ended in the last moment of its process, of which the worker has heard nothing")
    func unheardEnd() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.claim("w", 1, token: 1, attempt: 1)
        history.run("w", 1, token: 1)
        let crashed = job(1, "a", "ready", attempts: 1, crashes: 1)
        #expect(history.broken(crashed, drained: false).contains(.blamedInnocent), "it lives")
        var late = history
        history.add("w", .killed)
        #expect(!history.broken(crashed, drained: false).contains(.blamedInnocent))
        // Once it has done something, it knew.
        late.call("w", .exchange([], claim: nil))
        late.add("w", .killed)
        #expect(late.broken(crashed, drained: false).contains(.blamedInnocent))
    }

    @Test("wants a start behind every attempt, or a kill that came before its handler's first word")
    func prices() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        #expect(history.broken(job(1, "a", "ready", attempts: 0), drained: false) == [])
        #expect(history.broken(job(1, "a", "ready", attempts: 1), drained: false) == [.paidForNothing])
        history.claim("w", 1, token: 1)
        history.add("w", .killed)
        #expect(history.broken(job(1, "a", "ready", attempts: 1), drained: false) == [])
        #expect(history.broken(job(1, "a", "ready", attempts: 2), drained: false) == [.paidForNothing])
        history.reap(at: 1_000)
        history.claim("v", 1, token: 2)
        history.start("v", 1, token: 2)
        #expect(history.broken(job(1, "a", "ready", attempts: 2), drained: false) == [])
    }

    @Test("wants a finished handler behind every done job")
    func handlers() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.claim("w", 1, token: 1)
        history.start("w", 1, token: 1)
        #expect(history.broken(job(1, "a", "done")) == [.doneUnrun])
        var early = history
        early.settle("w", 1, token: 1)
        early.add("w", .handlerFinished(job: 1, token: 1))
        #expect(early.broken(job(1, "a", "done")) == [.doneUnrun])
    }

    @Test("wants one job at a time for a unique key")
    func keys() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1, key: "k")
        var doubled = history
        doubled.enqueue("b", as: 2, key: "k")
        #expect(doubled.broken(job(1, "a", "ready"), job(2, "b", "ready"), drained: false) == [.keyTwice])
        var duplicate = history
        duplicate.enqueue("b", as: 1, key: "k", duplicate: true)
        #expect(duplicate.broken(job(1, "a", "ready"), drained: false) == [])
        #expect(duplicate.broken(job(1, "a", "ready"), job(2, "b", "ready"), drained: false) == [.phantomJob])
        var after = history
        after.work("w", 1, token: 1)
        var swallowed = after
        swallowed.enqueue("b", as: 1, key: "k", duplicate: true)
        #expect(swallowed.broken(job(1, "a", "done")) == [.swallowed])
        after.enqueue("b", as: 2, key: "k")
        #expect(after.broken(job(1, "a", "done"), job(2, "b", "ready"), drained: false) == [])
        var kept = history
        kept.callInVain("producer", .enqueue([.init(reference: "b", queue: "q", uniqueKey: "k")]))
        let two = (job(1, "a", "ready", key: "k"), job(2, "b", "ready", key: "k"))
        #expect(kept.broken(two.0, two.1, drained: false) == [.keyTwice])
    }

    @Test("sees a token twice, and one that falls")
    func tokens() {
        var twice = HistoryBuilder()
        twice.enqueue("a", as: 1)
        twice.enqueue("b", as: 2)
        twice.claim("w", 1, token: 1)
        twice.claim("w", 2, token: 1)
        #expect(twice.broken(job(1, "a", "leased"), job(2, "b", "leased"), drained: false) == [.tokenReused])
        var falling = HistoryBuilder()
        falling.enqueue("a", as: 1)
        falling.claim("w", 1, token: 2)
        falling.settle("w", 1, token: 2, .release, .ready)
        falling.claim("w", 1, token: 1)
        #expect(falling.broken(job(1, "a", "leased"), drained: false) == [.tokenFell])
        var started = HistoryBuilder()
        started.enqueue("a", as: 1)
        started.claim("w", 1, token: 1)
        started.start("w", 1, token: 1)
        started.start("w", 1, token: 1)
        #expect(started.broken(job(1, "a", "leased"), drained: false) == [.tokenReused])
    }

    @Test("sees a second lease beside the first, unless something has ended that")
    func twoLeases() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.register("w", as: 1)
        history.claim("w", 1, token: 1, deadline: 1_000)
        func rules(_ change: (inout HistoryBuilder) -> Void) -> Set<Rule> {
            var history = history
            change(&history)
            history.claim("x", 1, token: 2, attempt: 2)
            return history.broken(job(1, "a", "leased"), drained: false)
        }
        #expect(rules { _ in } == [.twoLeases])
        #expect(rules { $0.reap(at: 998) } == [.twoLeases])
        // The reap took a millisecond, and its transaction reads the clock again.
        #expect(rules { $0.reap(at: 999) } == [])
        #expect(rules { $0.reap(at: 1_000) } == [])
        // Containers have boot ids of their own: another one ends no lease of a process that lives.
        #expect(rules { $0.reap(at: 5, boot: "c") } == [.twoLeases])
        let reboot: Set<Rule> = rules {
            $0.add("w", .killed)
            $0.reap(at: 5, boot: "c")
        }
        #expect(reboot == [])
        #expect(rules { $0.settle("w", 1, token: 1, .release, .ready) } == [])
        #expect(rules { $0.settle("w", 1, token: 1, .release, .leaseLost) } == [.twoLeases])
        #expect(rules { $0.callInVain("w", $0.settlement(1, 1, .release)) } == [])
        #expect(rules { $0.call("s", .reclaim(workers: [1], blames: true)) } == [])
        #expect(rules { $0.call("s", .reclaim(workers: [2], blames: true)) } == [.twoLeases])
        #expect(rules { $0.call("o", .bury(jobs: [1])) } == [])
        #expect(
            rules {
                $0.call("w", .extend([.init(job: 1, token: 1)], deadline: 3_000), .extended(lost: []))
                $0.reap(at: 2_000)
            } == [.twoLeases])
        #expect(
            rules {
                $0.callInVain("w", .extend([.init(job: 1, token: 1)], deadline: 3_000))
                $0.reap(at: 2_000)
            } == [])
    }

    @Test("sees an old token that changes something")
    func staleWords() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.claim("w", 1, token: 1)
        history.start("w", 1, token: 1)
        history.reap(at: 1_000)
        history.claim("x", 1, token: 2, attempt: 2)
        func rules(_ change: (inout HistoryBuilder) -> Void) -> Set<Rule> {
            var history = history
            change(&history)
            return history.broken(job(1, "a", "leased"), drained: false)
        }
        #expect(rules { $0.settle("w", 1, token: 1, .release, .leaseLost) } == [])
        #expect(rules { $0.settle("w", 1, token: 1, .release, .ready) } == [.staleWord])
        #expect(rules { $0.settle("w", 1, token: 7, .release, .ready) } == [.staleWord])
        let lease = Call.Lease(job: 1, token: 1)
        #expect(rules { $0.call("w", .extend([lease], deadline: 9), .extended(lost: [lease])) } == [])
        #expect(rules { $0.call("w", .extend([lease], deadline: 9), .extended(lost: [])) } == [.staleWord])
        #expect(
            rules {
                $0.settle("x", 1, token: 2, .release, .ready)
                $0.settle("x", 1, token: 2, .release, .ready)
            } == [.staleWord])
        #expect(
            rules {
                $0.call("o", .bury(jobs: [1]))
                $0.settle("x", 1, token: 2, .release, .ready)
            } == [.staleWord])
    }

    @Test("sees a job that runs after its ack")
    func afterDone() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.work("w", 1, token: 1)
        #expect(history.broken(job(1, "a", "done")) == [])
        history.claim("w", 1, token: 2)
        #expect(history.broken(job(1, "a", "done")).contains(.ranAfterDone))

        func late(_ stop: EventKind, jobsBefore: Int64 = 0) -> Set<Rule> {
            var history = HistoryBuilder()
            history.enqueue("a", as: 1)
            history.claim("w", 1, token: 1)
            history.add("w", stop)
            history.reap(at: 1_000)
            history.work("x", 1, token: 9)
            for number in 0..<jobsBefore { history.start("w", 10 + number, token: 10 + number) }
            history.start("w", 1, token: 1)
            return history.broken(job(1, "a", "done"))
        }
        // Stopped just before the handler started, or not at all, or long before.
        #expect(late(.stopped) == [])
        #expect(late(.began(supervisor: nil)) == [.ranAfterDone])
        #expect(late(.stopped, jobsBefore: 4) == [.ranAfterDone])
    }

    @Test("sees a handler without a claim, and one of a process that was not given it")
    func unclaimed() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.register("w", as: 1)
        history.register("x", as: 2)
        history.claim("w", 1, token: 1)
        var other = history
        other.start("x", 1, token: 1)
        #expect(other.broken(job(1, "a", "leased"), drained: false) == [.ranUnclaimed])
        history.start("w", 1, token: 1)
        #expect(history.broken(job(1, "a", "leased"), drained: false) == [])
    }

    @Test("sees the jobs of the living reclaimed")
    func living() {
        var history = HistoryBuilder()
        history.register("w", as: 1)
        history.add("w", .killed)
        history.call("s", .reclaim(workers: [1], blames: true))
        #expect(history.broken() == [])
        history.call("w", .reap(monotonic: 1, boot: "b"))
        #expect(history.broken() == [.takenFromLiving])
    }

    @Test("counts attempts: of a failure, and of a death that can have no other cause")
    func attempts() {
        var failed = HistoryBuilder()
        failed.enqueue("a", as: 1)
        failed.claim("w", 1, token: 1)
        failed.settle("w", 1, token: 1, .fail, .ready)
        failed.claim("w", 1, token: 2)
        #expect(failed.broken(job(1, "a", "leased"), drained: false) == [.attemptNotCounted])

        func dead(
            under supervisor: String? = nil, beside other: Int64? = nil, throwing: Bool = false, doubting: Bool = false,
            registering: Call? = nil, then attempt: Int
        ) -> Set<Rule> {
            var history = HistoryBuilder()
            history.enqueue("a", as: 1)
            history.register("w", as: 1, under: supervisor)
            history.claim("w", 1, token: 1)
            history.start("w", 1, token: 1)
            if let other {
                history.enqueue("b", as: other)
                history.claim("w", other, token: 9)
                history.start("w", other, token: 9)
            }
            if throwing { history.add("w", .handlerThrew(job: 1, token: 1)) }
            if let registering { history.callInVain("w", registering) }
            history.add("w", .killed)
            let reclaim = history.invoke("s", .reclaim(workers: [1], blames: true))
            if doubting { history.call("t", .reclaim(workers: [1], blames: false)) }
            history.add("s", .returned(call: reclaim, .done))
            if !doubting { history.call("t", .reclaim(workers: [1], blames: false)) }
            history.claim("x", 1, token: 2, attempt: attempt)
            let jobs = [job(1, "a", "leased"), job(2, "b", "leased")].prefix(other == nil ? 1 : 2)
            let final = FinalState(isDrained: false, jobs: Array(jobs))
            return Set(HistoryChecker(history.events, final).violations().map(\.rule))
        }
        #expect(dead(then: 2) == [])
        #expect(dead(then: 1) == [.attemptNotCounted])
        #expect(dead(under: "s", then: 1) == [])
        #expect(dead(beside: 2, then: 1) == [])
        #expect(dead(throwing: true, then: 1) == [])
        #expect(dead(doubting: true, then: 1) == [])
        #expect(dead(registering: .register, then: 1) == [])
        #expect(dead(registering: .renew, then: 1) == [.attemptNotCounted])

        var many = HistoryBuilder()
        many.enqueue("a", as: 1)
        many.claim("w", 1, token: 1, attempt: 4)
        #expect(many.broken(job(1, "a", "leased", attempts: 4), drained: false) == [.tooManyAttempts, .paidForNothing])
    }

    @Test("wants a reason for every grave")
    func buried() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        #expect(history.broken(job(1, "a", "buried")) == [.buriedUnexhausted])
        #expect(history.broken(job(1, "a", "buried", attempts: 3)) == [.paidForNothing])
        #expect(history.broken(job(1, "a", "buried", crashes: 3)) == [.blamedInnocent])
        for token: Int64 in 1...3 {
            history.claim("w\(token)", 1, token: token, attempt: Int(token))
            history.start("w\(token)", 1, token: token)
            history.add("w\(token)", .killed)
            history.register("w\(token)", as: token)
            history.call("s", .reclaim(workers: [token], blames: true))
        }
        #expect(history.broken(job(1, "a", "buried", attempts: 3, crashes: 3)) == [])
        // One of its runs has ended after all: a living holder lost the job.
        history.claim("w9", 1, token: 9, attempt: 4)
        history.run("w9", 1, token: 9)
        #expect(history.broken(job(1, "a", "buried", attempts: 4, crashes: 4)).contains(.blamedInnocent))
    }

    @Test("wants a reason for a grave that nobody dug")
    func dug() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.claim("w", 1, token: 1)
        history.settle("w", 1, token: 1, .bury, .buried)
        #expect(history.broken(job(1, "a", "buried")) == [])
    }

    @Test("sees a database that is called busy at once")
    func busy() {
        var history = HistoryBuilder()
        let number = history.invoke("w", .reap(monotonic: 1, boot: "b"))
        var late = history
        history.add("w", .failed(call: number, code: "databaseBusy"))
        #expect(history.broken(busyTimeout: .seconds(4)) == [.busyTooEarly])
        late.wait(4_000)
        late.add("w", .failed(call: number, code: "databaseBusy"))
        #expect(late.broken(busyTimeout: .seconds(4)) == [])
    }

    @Test("wants everything counted by time, and nothing twice")
    func activity() {
        var history = HistoryBuilder()
        history.enqueue("a", as: 1)
        history.work("w", 1, token: 1)
        func broken(_ change: (inout FinalState.Activity) -> Void = { _ in }) -> Set<Rule> {
            var queue = FinalState.Activity(queue: "q")
            (queue.enqueued, queue.started, queue.done, queue.keptDone) = (1, 1, 1, 1)
            (queue.timesInQueue, queue.runTimes) = (1, 1)
            change(&queue)
            var final = FinalState(isDrained: true, jobs: [job(1, "a", "done", attempts: 1)])
            final.activities = [queue]
            final.lastJob = 1
            return Set(HistoryChecker(history.events, final).violations().map(\.rule))
        }
        #expect(broken() == [])
        #expect(broken { $0.enqueued = 2 } == [.miscounted] && broken { $0.enqueued = 0 } == [.miscounted])
        #expect(broken { ($0.started, $0.timesInQueue) = (0, 0) } == [.miscounted])
        #expect(broken { $0.timesInQueue = 2 } == [.miscounted] && broken { $0.runTimes = 2 } == [.miscounted])
        #expect(broken { $0.keptDone = 2 } == [.miscounted] && broken { $0.expired = 1 } == [.miscounted])
        #expect(broken { $0.keptCancelled = 1 } == [.miscounted] && broken { $0.otherEnds = 1 } == [.miscounted])
        #expect(broken { ($0.started, $0.timesInQueue, $0.otherEnds) = (2, 2, 1) } == [])
        // A restored database goes on behind all ids that were given.
        history.add("harness", .copying)
        history.add("harness", .replaced)
        #expect(broken { $0.enqueued = 0 } == [])
        #expect(broken { $0.enqueued = 2 } == [.miscounted])
    }

    @Test("refuses a history that cannot be one")
    func disorder() {
        var history = HistoryBuilder()
        history.add("w", .returned(call: 7, .done))
        #expect(history.broken() == [.disorder])
        var twice = HistoryBuilder()
        twice.enqueue("a", as: 1)
        twice.enqueue("a", as: 2)
        #expect(twice.broken(job(1, "a", "ready"), drained: false).contains(.disorder))
    }

    @Test("has a history for each of its rules in these tests")
    func rules() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let source = try [
            "HistoryTests.swift", "DigestHistoryTests.swift", "IdempotencyHistoryTests.swift",
            "LimitHistoryTests.swift", "ScheduleHistoryTests.swift",
        ].map {
            try String(contentsOf: folder.appending(path: $0), encoding: .utf8)
        }.joined()
        for rule in Rule.allCases { #expect(source.contains(".\(rule)"), "no test breaks the rule '\(rule.rawValue)'") }
    }
}

@Suite("The log of a history")
struct HistoryLogTests {
    @Test("keeps the lines of all who write at once, whole and in their own order")
    func concurrent() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString)").path
        defer { unlink(path) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...8 {
                group.addTask {
                    let log = try HistoryLog(path, process: "p\(number)")
                    for job in 1...200 { log.append(.handlerStarted(job: Int64(job), token: 1)) }
                }
            }
            try await group.waitForAll()
        }
        let events = try HistoryLog.read(path)
        #expect(events.count == 1_600)
        for number in 1...8 {
            let mine = events.filter { $0.process == "p\(number)" }
            #expect(mine.map(\.kind) == (1...200).map { .handlerStarted(job: Int64($0), token: 1) })
        }
    }

    @Test("says which line is none")
    func torn() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString)").path
        defer { unlink(path) }
        try HistoryLog(path, process: "p").append(.ended)
        try (String(contentsOfFile: path, encoding: .utf8) + "{\"torn\n").write(
            toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: HistoryError.self) { try HistoryLog.read(path) }
        #expect(error?.description.contains("line 2") == true)
    }
}
