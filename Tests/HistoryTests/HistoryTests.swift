import Foundation
import History
import Testing

@Suite("The checker of histories")
struct HistoryTests {
    @Test("has nothing to say of a job's whole life")
    func life() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.register("w", as: 1)
        tale.claim("w", 1, token: 1)
        tale.start("w", 1, token: 1)
        tale.settle("w", 1, token: 1, .fail, .delayed)
        tale.claim("w", 1, token: 2, attempt: 2)
        tale.run("w", 1, token: 2)
        tale.settle("w", 1, token: 2)
        #expect(tale.broken(job(1, "a", "done", attempts: 2)) == [])
    }

    @Test("misses a job that is gone, in no state, in two, or left over")
    func loss() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        #expect(tale.broken() == [.lostJob])
        #expect(tale.broken(job(1, "a")) == [.lostJob])
        #expect(tale.broken(job(1, "a", "ready", "buried")) == [.lostJob])
        #expect(tale.broken(job(1, "a", "ready")) == [.lostJob])
        #expect(tale.broken(job(2, "a", "ready"), drained: false) == [.lostJob])
        #expect(tale.broken(job(1, "a", "ready"), drained: false) == [])
        var deleted = tale
        deleted.callInVain("operator", .delete(jobs: [1]))
        #expect(deleted.broken() == [])
    }

    @Test("knows what a failed, an unknown and a doubled enqueue may leave")
    func outcomes() {
        let call = Call.enqueue([.init(reference: "a", queue: "q")])
        var failed = Tale()
        failed.add("p", .failed(call: failed.invoke("p", call), code: "storageFailed"))
        #expect(failed.broken() == [])
        #expect(failed.broken(job(1, "a", "ready"), drained: false) == [.phantomJob])
        var unknown = Tale()
        unknown.callInVain("p", call)
        #expect(unknown.broken() == [])
        #expect(unknown.broken(job(1, "a", "ready"), drained: false) == [])
        #expect(unknown.broken(job(1, "a", "ready"), job(2, "a", "ready"), drained: false) == [.doubledJob])
        #expect(unknown.broken(job(1, "b", "ready"), drained: false) == [.unknownJob])
        var twice = Tale()
        twice.enqueue("a", as: 1)
        twice.enqueue("b", as: 1)
        #expect(twice.broken(job(1, "a", "ready"), drained: false).contains(.doubledJob))
    }

    @Test("lets a worker give back what it has found to hold, and nobody else")
    func foundLeases() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.callInVain("w", .exchange([], claim: .init(worker: 1, deadline: 1_000, boot: "b")))
        let lease = Call.Lease(job: 1, token: 1)
        func giveBack(_ process: String, _ tale: Tale) -> Set<Rule> {
            var tale = tale
            tale.call(process, .exchange([.init(lease, .release)], claim: nil), .exchanged([.ready], claimed: []))
            return tale.broken(job(1, "a", "ready"), drained: false)
        }
        #expect(giveBack("w", tale) == [.staleWord])
        tale.call("w", .lookUp(worker: 1), .held([lease]))
        #expect(giveBack("w", tale) == [])
        #expect(giveBack("x", tale) == [.staleWord])
    }

    @Test("lets a copy of the database undo what was done since it was begun, and nothing else")
    func replacement() {
        /// What `body` tells happens before the copy is begun, in between, or when it has arrived.
        func tales(_ start: Tale = Tale(), _ body: (inout Tale) -> Void) -> [Tale] {
            (0...2).map { place in
                var tale = start
                if place == 0 { body(&tale) }
                tale.add("harness", .copying)
                if place == 1 { body(&tale) }
                tale.add("harness", .replaced)
                if place == 2 { body(&tale) }
                return tale
            }
        }
        var (given, keyed) = (Tale(), Tale())
        given.enqueue("a", as: 1)
        keyed.enqueue("a", as: 1, key: "k")
        let enqueued = tales { $0.enqueue("a", as: 1) }
        #expect(enqueued.map { $0.broken() } == [[.lostJob], [], [.lostJob]])
        #expect(enqueued.map { $0.broken(job(1, "a", "ready"), drained: false) } == [[], [], []])
        let renamed = enqueued.map { $0.broken(job(2, "a", "ready"), drained: false) }
        #expect(renamed == [[.lostJob], [.lostJob], [.lostJob]])
        // An ack that was undone: the job runs again. The lease is nobody's any more, whoever held it.
        let done = tales(given) { $0.work("w", 1, token: 1) }
        let again = done.map { tale in
            var tale = tale
            tale.work("v", 1, token: 2)
            return tale.broken(job(1, "a", "done"))
        }
        #expect(again == [[.ranAfterDone], [], [.ranAfterDone]])
        let claimed = tales(given) { $0.claim("w", 1, token: 1) }
        let twice = claimed.map { tale in
            var tale = tale
            tale.claim("v", 1, token: 2)
            return tale.broken(job(1, "a", "leased"), drained: false)
        }
        #expect(twice == [[], [], [.twoLeases]])
        // A token is not given out a second time.
        var reused = claimed[1]
        reused.enqueue("b", as: 2)
        reused.claim("v", 2, token: 1)
        #expect(
            reused.broken(job(1, "a", "ready"), job(2, "b", "leased"), drained: false).contains(.tokenReused))
        // The key of a job that is gone is free, and that of one whose ack was undone is not.
        let keys = tales { $0.enqueue("a", as: 1, key: "k") }.map { tale in
            var tale = tale
            tale.enqueue("b", as: 2, key: "k")
            return tale.broken(job(2, "b", "ready", key: "k"), drained: false)
        }
        #expect(keys == [[.lostJob, .keyTwice], [], [.lostJob, .keyTwice]])
        let swallowed = tales(keyed) { $0.work("w", 1, token: 1) }.map { tale in
            var tale = tale
            tale.enqueue("b", as: 1, key: "k", duplicate: true)
            return tale.broken(job(1, "a", "ready", key: "k"), drained: false)
        }
        #expect(swallowed == [[.swallowed], [], [.swallowed]])
        // What a failure cost is undone with it.
        let failed = tales(given) { tale in
            tale.claim("w", 1, token: 1)
            tale.start("w", 1, token: 1)
            tale.settle("w", 1, token: 1, .fail, .delayed)
        }
        let unpaid = failed.map { tale in
            var tale = tale
            tale.claim("w", 1, token: 2, attempt: 1)
            return tale.broken(job(1, "a", "leased", attempts: 0), drained: false)
        }
        #expect(unpaid == [[.attemptNotCounted], [], [.attemptNotCounted]])
        // A copy that did not arrive undoes nothing.
        var refused = Tale()
        refused.add("harness", .copying)
        refused.enqueue("a", as: 1)
        #expect(refused.broken() == [.lostJob])
    }

    @Test("lets a command that dies with its worker have had no time for its first word, once for each kill")
    func silentCommands() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.enqueue("b", as: 2)
        tale.add("w", .killed)
        let (one, two) = (job(1, "a", "ready", attempts: 1, crashes: 1), job(1, "a", "ready", crashes: 2))
        let other = job(2, "b", "ready")
        #expect(tale.broken(one, other, drained: false) == [.blamedInnocent])
        tale.add("command", .began(supervisor: nil, role: History.command))
        #expect(tale.broken(one, other, drained: false) == [])
        #expect(tale.broken(two, other, drained: false) == [.blamedInnocent])
    }

    @Test(
        "lets a handler be blamed that ended in the last moment of its process, of which the worker has heard nothing")
    func unheardEnd() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.claim("w", 1, token: 1, attempt: 1)
        tale.run("w", 1, token: 1)
        let crashed = job(1, "a", "ready", attempts: 1, crashes: 1)
        #expect(tale.broken(crashed, drained: false).contains(.blamedInnocent), "it lives")
        var late = tale
        tale.add("w", .killed)
        #expect(!tale.broken(crashed, drained: false).contains(.blamedInnocent))
        // Once it has done something, it knew.
        late.call("w", .exchange([], claim: nil))
        late.add("w", .killed)
        #expect(late.broken(crashed, drained: false).contains(.blamedInnocent))
    }

    @Test("wants a start behind every attempt, or a kill that came before its handler's first word")
    func prices() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        #expect(tale.broken(job(1, "a", "ready", attempts: 0), drained: false) == [])
        #expect(tale.broken(job(1, "a", "ready", attempts: 1), drained: false) == [.paidForNothing])
        tale.claim("w", 1, token: 1)
        tale.add("w", .killed)
        #expect(tale.broken(job(1, "a", "ready", attempts: 1), drained: false) == [])
        #expect(tale.broken(job(1, "a", "ready", attempts: 2), drained: false) == [.paidForNothing])
        tale.reap(at: 1_000)
        tale.claim("v", 1, token: 2)
        tale.start("v", 1, token: 2)
        #expect(tale.broken(job(1, "a", "ready", attempts: 2), drained: false) == [])
    }

    @Test("wants a finished handler behind every done job")
    func handlers() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.claim("w", 1, token: 1)
        tale.start("w", 1, token: 1)
        #expect(tale.broken(job(1, "a", "done")) == [.doneUnrun])
        var early = tale
        early.settle("w", 1, token: 1)
        early.add("w", .handlerFinished(job: 1, token: 1))
        #expect(early.broken(job(1, "a", "done")) == [.doneUnrun])
    }

    @Test("wants one job at a time for a unique key")
    func keys() {
        var tale = Tale()
        tale.enqueue("a", as: 1, key: "k")
        var doubled = tale
        doubled.enqueue("b", as: 2, key: "k")
        #expect(doubled.broken(job(1, "a", "ready"), job(2, "b", "ready"), drained: false) == [.keyTwice])
        var duplicate = tale
        duplicate.enqueue("b", as: 1, key: "k", duplicate: true)
        #expect(duplicate.broken(job(1, "a", "ready"), drained: false) == [])
        #expect(duplicate.broken(job(1, "a", "ready"), job(2, "b", "ready"), drained: false) == [.phantomJob])
        var after = tale
        after.work("w", 1, token: 1)
        var swallowed = after
        swallowed.enqueue("b", as: 1, key: "k", duplicate: true)
        #expect(swallowed.broken(job(1, "a", "done")) == [.swallowed])
        after.enqueue("b", as: 2, key: "k")
        #expect(after.broken(job(1, "a", "done"), job(2, "b", "ready"), drained: false) == [])
        var kept = tale
        kept.callInVain("producer", .enqueue([.init(reference: "b", queue: "q", uniqueKey: "k")]))
        let two = (job(1, "a", "ready", key: "k"), job(2, "b", "ready", key: "k"))
        #expect(kept.broken(two.0, two.1, drained: false) == [.keyTwice])
    }

    @Test("sees a token twice, and one that falls")
    func tokens() {
        var twice = Tale()
        twice.enqueue("a", as: 1)
        twice.enqueue("b", as: 2)
        twice.claim("w", 1, token: 1)
        twice.claim("w", 2, token: 1)
        #expect(twice.broken(job(1, "a", "leased"), job(2, "b", "leased"), drained: false) == [.tokenReused])
        var falling = Tale()
        falling.enqueue("a", as: 1)
        falling.claim("w", 1, token: 2)
        falling.settle("w", 1, token: 2, .release, .ready)
        falling.claim("w", 1, token: 1)
        #expect(falling.broken(job(1, "a", "leased"), drained: false) == [.tokenFell])
        var started = Tale()
        started.enqueue("a", as: 1)
        started.claim("w", 1, token: 1)
        started.start("w", 1, token: 1)
        started.start("w", 1, token: 1)
        #expect(started.broken(job(1, "a", "leased"), drained: false) == [.tokenReused])
    }

    @Test("sees a second lease beside the first, unless something has ended that")
    func twoLeases() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.register("w", as: 1)
        tale.claim("w", 1, token: 1, deadline: 1_000)
        func rules(_ change: (inout Tale) -> Void) -> Set<Rule> {
            var tale = tale
            change(&tale)
            tale.claim("x", 1, token: 2, attempt: 2)
            return tale.broken(job(1, "a", "leased"), drained: false)
        }
        #expect(rules { _ in } == [.twoLeases])
        #expect(rules { $0.reap(at: 998) } == [.twoLeases])
        // It took a millisecond, and its transaction reads the clock again.
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
        #expect(rules { $0.call("s", .takeBack(workers: [1], blames: true)) } == [])
        #expect(rules { $0.call("s", .takeBack(workers: [2], blames: true)) } == [.twoLeases])
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
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.claim("w", 1, token: 1)
        tale.start("w", 1, token: 1)
        tale.reap(at: 1_000)
        tale.claim("x", 1, token: 2, attempt: 2)
        func rules(_ change: (inout Tale) -> Void) -> Set<Rule> {
            var tale = tale
            change(&tale)
            return tale.broken(job(1, "a", "leased"), drained: false)
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
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.work("w", 1, token: 1)
        #expect(tale.broken(job(1, "a", "done")) == [])
        tale.claim("w", 1, token: 2)
        #expect(tale.broken(job(1, "a", "done")).contains(.ranAfterDone))

        func late(_ stop: Deed, jobsBefore: Int64 = 0) -> Set<Rule> {
            var tale = Tale()
            tale.enqueue("a", as: 1)
            tale.claim("w", 1, token: 1)
            tale.add("w", stop)
            tale.reap(at: 1_000)
            tale.work("x", 1, token: 9)
            for number in 0..<jobsBefore { tale.start("w", 10 + number, token: 10 + number) }
            tale.start("w", 1, token: 1)
            return tale.broken(job(1, "a", "done"))
        }
        // Stopped just before the handler said its first word, or not at all, or long before.
        #expect(late(.stopped) == [])
        #expect(late(.began(supervisor: nil)) == [.ranAfterDone])
        #expect(late(.stopped, jobsBefore: 4) == [.ranAfterDone])
    }

    @Test("sees a handler without a claim, and one of a process that was not given it")
    func unclaimed() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.register("w", as: 1)
        tale.register("x", as: 2)
        tale.claim("w", 1, token: 1)
        var other = tale
        other.start("x", 1, token: 1)
        #expect(other.broken(job(1, "a", "leased"), drained: false) == [.ranUnclaimed])
        tale.start("w", 1, token: 1)
        #expect(tale.broken(job(1, "a", "leased"), drained: false) == [])
    }

    @Test("sees the jobs of the living taken back")
    func living() {
        var tale = Tale()
        tale.register("w", as: 1)
        tale.add("w", .killed)
        tale.call("s", .takeBack(workers: [1], blames: true))
        #expect(tale.broken() == [])
        tale.call("w", .reap(monotonic: 1, boot: "b"))
        #expect(tale.broken() == [.takenFromLiving])
    }

    @Test("counts attempts: of a failure, and of a death that can have no other cause")
    func attempts() {
        var failed = Tale()
        failed.enqueue("a", as: 1)
        failed.claim("w", 1, token: 1)
        failed.settle("w", 1, token: 1, .fail, .ready)
        failed.claim("w", 1, token: 2)
        #expect(failed.broken(job(1, "a", "leased"), drained: false) == [.attemptNotCounted])

        func dead(
            under supervisor: String? = nil, beside other: Int64? = nil, throwing: Bool = false, then attempt: Int
        ) -> Set<Rule> {
            var tale = Tale()
            tale.enqueue("a", as: 1)
            tale.register("w", as: 1, under: supervisor)
            tale.claim("w", 1, token: 1)
            tale.start("w", 1, token: 1)
            if let other {
                tale.enqueue("b", as: other)
                tale.claim("w", other, token: 9)
                tale.start("w", other, token: 9)
            }
            if throwing { tale.add("w", .handlerThrew(job: 1, token: 1)) }
            tale.add("w", .killed)
            tale.call("s", .takeBack(workers: [1], blames: true))
            tale.claim("x", 1, token: 2, attempt: attempt)
            let jobs = [job(1, "a", "leased"), job(2, "b", "leased")].prefix(other == nil ? 1 : 2)
            let final = FinalState(isDrained: false, jobs: Array(jobs))
            return Set(HistoryChecker(tale.events, final).violations().map(\.rule))
        }
        #expect(dead(then: 2) == [])
        #expect(dead(then: 1) == [.attemptNotCounted])
        #expect(dead(under: "s", then: 1) == [])
        #expect(dead(beside: 2, then: 1) == [])
        #expect(dead(throwing: true, then: 1) == [])

        var many = Tale()
        many.enqueue("a", as: 1)
        many.claim("w", 1, token: 1, attempt: 4)
        #expect(many.broken(job(1, "a", "leased", attempts: 4), drained: false) == [.tooManyAttempts, .paidForNothing])
    }

    @Test("wants a reason for every grave")
    func buried() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        #expect(tale.broken(job(1, "a", "buried")) == [.buriedUnexhausted])
        #expect(tale.broken(job(1, "a", "buried", attempts: 3)) == [.paidForNothing])
        #expect(tale.broken(job(1, "a", "buried", crashes: 3)) == [.blamedInnocent])
        for token: Int64 in 1...3 {
            tale.claim("w\(token)", 1, token: token, attempt: Int(token))
            tale.start("w\(token)", 1, token: token)
            tale.add("w\(token)", .killed)
            tale.register("w\(token)", as: token)
            tale.call("s", .takeBack(workers: [token], blames: true))
        }
        #expect(tale.broken(job(1, "a", "buried", attempts: 3, crashes: 3)) == [])
        // One of its runs has ended after all: somebody took the job from the living.
        tale.claim("w9", 1, token: 9, attempt: 4)
        tale.run("w9", 1, token: 9)
        #expect(tale.broken(job(1, "a", "buried", attempts: 4, crashes: 4)).contains(.blamedInnocent))
    }

    @Test("wants a reason for a grave that nobody dug")
    func dug() {
        var tale = Tale()
        tale.enqueue("a", as: 1)
        tale.claim("w", 1, token: 1)
        tale.settle("w", 1, token: 1, .bury, .buried)
        #expect(tale.broken(job(1, "a", "buried")) == [])
    }

    @Test("sees a database that is called busy at once")
    func busy() {
        var tale = Tale()
        let number = tale.invoke("w", .reap(monotonic: 1, boot: "b"))
        var late = tale
        tale.add("w", .failed(call: number, code: "databaseBusy"))
        #expect(tale.broken(busyTimeout: .seconds(4)) == [.busyTooEarly])
        late.wait(4_000)
        late.add("w", .failed(call: number, code: "databaseBusy"))
        #expect(late.broken(busyTimeout: .seconds(4)) == [])
    }

    @Test("refuses a history that cannot be one")
    func disorder() {
        var tale = Tale()
        tale.add("w", .returned(call: 7, .done))
        #expect(tale.broken() == [.disorder])
        var twice = Tale()
        twice.enqueue("a", as: 1)
        twice.enqueue("a", as: 2)
        #expect(twice.broken(job(1, "a", "ready"), drained: false).contains(.disorder))
    }

    @Test("has a history for each of its rules in these tests")
    func rules() throws {
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
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
            #expect(mine.map(\.deed) == (1...200).map { .handlerStarted(job: Int64($0), token: 1) })
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
