import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import community

@Suite("Limits of signing in", .timeLimit(.minutes(2)))
struct SignInLimitTests {
    @Test("a key has a number of attempts within a time, which begins with its first one")
    func counter() {
        var counter = AttemptCounter<String>(most: 2, period: .seconds(60))
        let start = ContinuousClock.now
        let tries: [(key: String, second: Int, isAllowed: Bool)] = [
            ("a", 0, true), ("a", 30, true), ("a", 59, false), ("b", 59, true), ("a", 60, true), ("a", 61, true),
            ("a", 119, false), ("a", 120, true),
        ]
        for (key, second, isAllowed) in tries {
            let answer = counter.take(key, at: start + .seconds(second))
            #expect(answer == isAllowed, "\(key) at \(second) s")
        }
        counter.giveBack("a")
        counter.giveBack("unknown")
        let again = (0..<3).map { _ in counter.take("a", at: start + .seconds(121)) }
        #expect(again == [true, true, false])
        counter.forget("a")
        let afterwards = counter.take("a", at: start + .seconds(121))
        #expect(afterwards)
    }

    @Test("when it has as many keys as it may, a new one is taken, and those that may try no more are forgotten last")
    func keys() {
        var counter = AttemptCounter<Int>(most: 2, period: .seconds(60), mostKeys: 1_000)
        let start = ContinuousClock.now
        // One that may try no more, before all others and so with the first end.
        let tries = (0..<2).map { _ in counter.take(-1, at: start) }
        #expect(tries == [true, true])
        for number in 0..<5_000 {
            let isAllowed = counter.take(number, at: start + .milliseconds(number))
            #expect(isAllowed, "\(number)")
            #expect(counter.keys <= 1_000)
        }
        #expect(counter.keys > 800)
        let last = start + .milliseconds(5_000)
        let isBlocked = !counter.take(-1, at: last)
        let known = (0..<2).map { _ in counter.take(4_999, at: last) }
        let forgotten = (0..<3).map { _ in counter.take(0, at: last) }
        #expect(isBlocked && known == [true, false] && forgotten == [true, true, false])
        // If all of them may try no more, new ones are taken all the same.
        for number in 5_000..<8_000 {
            let isAllowed = (0..<2).map { _ in counter.take(number, at: last) }
            #expect(isAllowed == [true, true], "\(number)")
        }
        #expect(counter.keys <= 1_000)
    }

    @Test("keys whose time is over do not stay, also when their number has no limit")
    func old() {
        var counter = AttemptCounter<Int>(most: 2, period: .seconds(60))
        let start = ContinuousClock.now
        for number in 0..<100_000 { _ = counter.take(number, at: start + .milliseconds(number * 50)) }
        // 1,200 begin within the time of one.
        #expect(counter.keys <= 2 * 1_200 + 1)
    }

    @Test("after wrong passwords a member's is not accepted for a while, not even the right one; the others' are")
    func member() async throws {
        let test = try await TestSite()
        let hash = try Passwords.hash("community")
        try await test.add("ada", password: hash)
        try await test.add("eve", password: hash)
        for number in 3..<SignInLimits.triesOfMember {
            #expect(test.site.limits.mayTry(1, from: "\(number)") == .allowed)
        }
        // By each name.
        for name in ["ada", "@ADA", "Ada@example.org"] {
            let answer = try await test.post("/sign-in", ["name": name, "password": "wrong"], from: name)
            #expect(answer.status == .unauthorized)
        }
        for name in ["ada", "ada@example.org"] {
            let answer = try await test.post("/sign-in", ["name": name, "password": "community"], from: "new")
            #expect(answer.status == .unauthorized)
        }
        #expect(try await test.post("/sign-in", ["name": "eve", "password": "community"]).status == .seeOther)
        // With a new password it is as before.
        test.site.limits.forget(1)
        #expect(try await test.post("/sign-in", ["name": "ada", "password": "community"]).status == .seeOther)
    }

    @Test("the answer to a name that does not exist is that to a member's, also after too many wrong passwords")
    func unknown() async throws {
        let test = try await TestSite()
        try await test.add("ada", password: try Passwords.hash("community"))
        var answers: [[TestSite.Answer]] = [[], []]
        for isLimited in [false, true] {
            for number in 0..<SignInLimits.triesOfMember where isLimited {
                _ = test.site.limits.mayTry(1, from: "a\(number)")
                _ = test.site.limits.mayTry(nil, from: "b\(number)")
            }
            #expect((test.site.limits.mayTry(1, from: "c") == .refusedForMember) == isLimited)
            for (index, name) in ["ada", "bob"].enumerated() {
                let answer = try await test.post("/sign-in", ["name": name, "password": "wrong"], from: "x")
                // Beside the name, and what each visitor's page has of its own.
                answers[index].append(TestSite.Answer(status: answer.status, text: Self.plain(answer.text, name)))
            }
        }
        #expect(answers[0].map(\.status) == answers[1].map(\.status))
        #expect(answers[0].map(\.text) == answers[1].map(\.text))
        #expect(Set(answers[0].map(\.text)).count == 1 && Set(answers[0].map(\.status)) == [.unauthorized])
    }

    private static func plain(_ page: String, _ name: String) -> String {
        page.replacing(/[0-9a-f]{40}/, with: "TOKEN").replacing(name, with: "NAME")
    }

    @Test("made-up names take no memory, and neither lift a member's limit nor keep a member out")
    func flood() throws {
        let limits = SignInLimits()
        let start = ContinuousClock.now
        for _ in 0..<SignInLimits.triesOfMember { #expect(limits.mayTry(1, from: "first", at: start) == .allowed) }
        // From more addresses than are known at once.
        for number in 0..<SignInLimits.mostAddresses * 2 {
            #expect(limits.mayTry(nil, from: "\(number)", at: start + .milliseconds(number)) == .allowed)
        }
        let now = start + .milliseconds(SignInLimits.mostAddresses * 2)
        #expect(limits.keys <= SignInLimits.mostAddresses + 1)
        #expect(limits.mayTry(1, from: "another", at: now) == .refusedForMember)
        #expect(limits.mayTry(2, from: "another", at: now) == .allowed)
        #expect(limits.mayTry(1, from: "another", at: start + SignInLimits.triesTime) == .allowed)
    }

    @Test("one address may try a number of passwords; the right ones do not count")
    func address() async throws {
        let test = try await TestSite()
        try await test.add("ada", password: try Passwords.hash("community"))
        let right = ["name": "ada", "password": "community"]
        for _ in 0..<SignInLimits.triesOfMember + 2 {
            #expect(try await test.post("/sign-in", right).status == .seeOther)
        }
        for number in 0..<SignInLimits.triesFromAddress {
            #expect(test.site.limits.mayTry(nil, from: "test") == .allowed, "\(number)")
        }
        #expect(try await test.post("/sign-in", right).status == .tooManyRequests)
        #expect(try await test.post("/sign-in", right, from: "elsewhere").status == .seeOther)
    }

    @Test("links for new passwords are limited for each member without telling so, and for each address")
    func links() async throws {
        let test = try await TestSite()
        try await test.add("ada")
        for number in 0..<SignInLimits.linksFromAddress {
            #expect(try await test.post("/forgot", ["name": "ada"]).status == .ok, "\(number)")
        }
        #expect(try await test.value("SELECT count(*) FROM password_resets") == SignInLimits.linksOfMember)
        #expect(try await test.post("/forgot", ["name": "ada"]).status == .tooManyRequests)
    }

    private final class Watch: Sendable {
        struct State {
            var started = 0
            var running = 0
            var mostAtOnce = 0
            var mayEnd = false
            var refused = 0
        }

        let state = Mutex(State())

        /// Runs until it may end.
        func work() {
            state.withLock { state in
                state.running += 1
                state.mostAtOnce = max(state.mostAtOnce, state.running)
            }
            while state.withLock({ !$0.mayEnd }) { usleep(1_000) }
            state.withLock { $0.running -= 1 }
        }
    }

    @Test("a few passwords are hashed at once, some wait, and the others are refused at once")
    func work() async throws {
        let work = PasswordWork()
        let watch = Watch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Also when the test fails: the threads are the process's, and the group waits for its tasks.
            defer { watch.state.withLock { $0.mayEnd = true } }
            for _ in 0..<PasswordWork.most {
                group.addTask {
                    watch.state.withLock { $0.started += 1 }
                    try await work.run { watch.work() }
                }
            }
            try await eventually("as many run as may") {
                watch.state.withLock { $0.started == PasswordWork.most && $0.running == PasswordWork.atOnce }
            }
            try await eventually("all are given, so that a further one is refused") { work.isFull }
            group.addTask {
                do {
                    try await work.run {}
                } catch is PageError {
                    watch.state.withLock { $0.refused += 1 }
                }
            }
            try await eventually("a further one is refused at once", within: .seconds(20)) {
                watch.state.withLock { $0.refused == 1 }
            }
            watch.state.withLock { $0.mayEnd = true }
            try await group.waitForAll()
        }
        #expect(watch.state.withLock { $0.mostAtOnce } == PasswordWork.atOnce)
        try await work.run {}
    }

    @Test("requests are counted by their address, and by the network if it is IPv6")
    func origins() throws {
        func origin(_ address: String) throws -> String {
            PageContext.origin(try SocketAddress(ipAddress: address, port: 1))
        }
        #expect(try origin("192.0.2.1") == "192.0.2.1")
        #expect(try origin("2001:db8:1:2::3") == origin("2001:db8:1:2:ffff::"))
        #expect(try origin("2001:db8:1:2::3") != origin("2001:db8:1:3::3"))
        #expect(PageContext.origin(nil) == "unknown")
    }
}
