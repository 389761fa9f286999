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
        var counter = AttemptCounter(most: 2, period: .seconds(60))
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

    @Test("it knows a limited number of keys, and forgets those first whose time ends first")
    func keys() {
        var counter = AttemptCounter(most: 1, period: .seconds(60))
        let start = ContinuousClock.now
        for number in 0..<AttemptCounter.mostKeys + 10 {
            let isAllowed = counter.take("\(number)", at: start + .milliseconds(number))
            #expect(isAllowed)
        }
        #expect(counter.keys <= AttemptCounter.mostKeys && counter.keys > AttemptCounter.mostKeys * 8 / 10)
        let last = start + .milliseconds(AttemptCounter.mostKeys + 10)
        let known = counter.take("\(AttemptCounter.mostKeys)", at: last)
        let forgotten = counter.take("0", at: last)
        #expect(!known && forgotten)
        // Room is made when it is needed: of those whose time is over none is left then.
        for number in 0..<AttemptCounter.mostKeys {
            _ = counter.take("new \(number)", at: start + .seconds(3_600))
        }
        #expect(counter.keys <= AttemptCounter.mostKeys)
        let first = counter.take("new 0", at: start + .seconds(3_601))
        #expect(!first)
    }

    @Test("after wrong passwords an account takes none for a while, not even the right one; others do")
    func account() async throws {
        let test = try await TestSite()
        let hash = try Passwords.hash("community")
        try await test.add("ada", password: hash)
        try await test.add("eve", password: hash)
        for number in 0..<SignInLimits.triesOfAccount {
            // From everywhere, and in each spelling.
            let name = ["ada", "@ADA"][number % 2]
            let answer = try await test.post("/sign-in", ["name": name, "password": "wrong"], from: "\(number)")
            #expect(answer.status == .unauthorized)
        }
        let right = ["name": "ada", "password": "community"]
        #expect(try await test.post("/sign-in", right, from: "new").status == .tooManyRequests)
        #expect(try await test.post("/sign-in", ["name": "eve", "password": "community"]).status == .seeOther)
        // Neither does it show whether a name exists, nor whose an address is.
        for name in ["Nobody", "@nobody"] + Array(repeating: "nobody", count: SignInLimits.triesOfAccount - 2) {
            _ = test.site.limits.mayTry(SignInLimits.account(named: name), from: "x")
        }
        #expect(try await test.post("/sign-in", ["name": "nobody", "password": "x"]).status == .tooManyRequests)
        let byAddress = ["name": "ada@example.org", "password": "wrong"]
        #expect(try await test.post("/sign-in", byAddress, from: "new").status == .unauthorized)
    }

    @Test("one address may try a number of passwords; the right ones do not count")
    func address() async throws {
        let test = try await TestSite()
        try await test.add("ada", password: try Passwords.hash("community"))
        let right = ["name": "ada", "password": "community"]
        for _ in 0..<SignInLimits.triesOfAccount + 2 {
            #expect(try await test.post("/sign-in", right).status == .seeOther)
        }
        for number in 0..<SignInLimits.triesFromAddress {
            #expect(test.site.limits.mayTry("name \(number)", from: "test"))
        }
        #expect(try await test.post("/sign-in", right).status == .tooManyRequests)
        #expect(try await test.post("/sign-in", right, from: "elsewhere").status == .seeOther)
    }

    @Test("links for new passwords are limited for each account without telling so, and for each address")
    func links() async throws {
        let test = try await TestSite()
        try await test.add("ada")
        for number in 0..<SignInLimits.linksFromAddress {
            #expect(try await test.post("/forgot", ["name": "ada"]).status == .ok, "\(number)")
        }
        #expect(try await test.value("SELECT count(*) FROM password_resets") == SignInLimits.linksOfAccount)
        #expect(try await test.post("/forgot", ["name": "ada"]).status == .tooManyRequests)
    }

    private final class Watch: Sendable {
        struct State {
            var started = 0
            var running = 0
            var mostAtOnce = 0
            var mayEnd = false
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
            await #expect(throws: PageError.self) { try await work.run {} }
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
