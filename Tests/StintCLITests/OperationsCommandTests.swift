import Foundation
import Subprocess
import TestSupport
import Testing

@Suite("stint operations, and orders to single workers", .inOwnFolder, .timeLimit(.minutes(15)))
struct OperationsCommandTests {
    let place = Workplace.ofThisTest

    private struct Operation: Decodable {
        let id: Int
        let verb: String
        let filter: String
        let actor: String?
        let state: String
        let changed: Int
        let total: Int?
        let restores: Int?
        let restorableUntil: Int?
    }

    private func operations() async throws -> [Operation] {
        try await place.stint("operations", "--json").split(separator: "\n").map {
            try JSONDecoder().decode(Operation.self, from: Data($0.utf8))
        }
    }

    private func put(_ count: Int, in queue: String = "mail") async throws {
        try await place.stint(
            "put", "--lines", "--queue", queue, input: Array((1...count).map { "\($0)\n" }.joined().utf8))
    }

    @Test("a set is deleted, listed, shown, and brought back")
    func deleteAndRestore() async throws {
        try await put(3)
        #expect(try await place.stint("operations") == "no operations\n")
        let done = try await place.stint("operations", "begin", "delete", "queue:mail", "--yes")
        #expect(done == "operation 1 done: delete 3\n")
        #expect(try await place.counts("mail").ready == 0)
        let operation = try #require(try await operations().first)
        #expect((operation.id, operation.verb, operation.state) == (1, "delete", "done"))
        #expect((operation.filter, operation.changed) == ("queue:mail", 3))
        #expect(operation.actor?.hasPrefix("cli:") == true && operation.restorableUntil != nil)
        #expect(try await place.stint("operations", "show", "1").contains("can be restored until"))
        #expect(try await place.stint("operations", "restore", "1") == "operation 2 done: restore 3\n")
        #expect(try await place.counts("mail").ready == 3)
        #expect(try await operations().first?.restores == 1)
    }

    @Test("one that was begun and left is finished by a reap, paused and resumed in between")
    func reap() async throws {
        try await put(5)
        #expect(
            try await place.stint("operations", "begin", "bury", "queue:mail", "--yes", "--detach") == "operation 1\n")
        #expect(try await place.stint("operations", "pause", "1") == "paused operation 1, 0 jobs\n")
        try await place.stint("reap")
        #expect(try await place.counts("mail").ready == 5)
        #expect(try await place.stint("operations", "resume", "1") == "resumed operation 1, 0 jobs\n")
        #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0, changed 5\n")
        #expect(try await place.counts("mail").buried == 5)
    }

    @Test("single jobs are kicked later, moved and prioritized, and who did it is recorded")
    func single() async throws {
        try await put(2)
        try await place.stint("bury", "1")
        #expect(try await place.stint("kick", "1", "--after", "1h") == "kicked 1\n")
        #expect(try await place.stint("move", "1", "2", "--to", "slow") == "moved 2\n")
        #expect(try await place.stint("prioritize", "2", "--priority", "7") == "prioritized 1\n")
        let counts = try await place.counts("slow")
        #expect((counts.ready, counts.delayed) == (1, 1))
        #expect(try await place.jobs("ready").map(\.id) == [2])
        #expect(try await operations().map(\.verb) == ["prioritize", "move", "kick later", "bury"])
        #expect(try await operations().allSatisfy { $0.actor?.hasPrefix("cli:") == true && $0.state == "done" })
    }

    @Test("wrong usage changes nothing")
    func usage() async throws {
        try await put(1)
        for arguments in [
            ["begin", "move", "queue:mail", "--yes"], ["begin", "kick", "queue:mail", "--priority", "1", "--yes"],
            ["begin", "delete", "queue:mail", "--to", "x", "--yes"], ["begin", "melt", "queue:mail"], ["show", "x"],
        ] {
            let outcome = try await place.run(Workplace.stint, Arguments(["operations"] + arguments))
            #expect(outcome.code == 64, "\(arguments): \(outcome)")
        }
        let unsure = try await place.run(Workplace.stint, ["operations", "begin", "delete", "queue:mail"])
        #expect(unsure.code == 65 && unsure.errors.contains("add --yes"))
        for arguments in [["show", "9"], ["pause", "9"], ["restore", "9"]] {
            #expect(try await place.run(Workplace.stint, Arguments(["operations"] + arguments)).code == 65)
        }
        #expect(try await place.counts("mail").ready == 1)
    }

    @Test("the reason of a pause is shown until the queue is resumed")
    func pauseReason() async throws {
        try await put(1)
        try await place.stint("pause", "mail", "--reason", "the provider is down")
        #expect(try await place.stint("stats").contains("paused: the provider is down"))
        #expect(try await place.stint("queue", "show", "mail").contains("mail, paused: the provider is down"))
        #expect(try await place.stint("stats", "--json").contains("\"pauseReason\":\"the provider is down\""))
        try await place.stint("resume", "mail")
        #expect(try await place.stint("stats").contains("paused") == false)
    }

    @Test("of two workers one is stopped and not replaced, the other is restarted, then quiet; the last one ends all")
    func workers() async throws {
        // Before the workers make the file, there is none to look into.
        try await place.stint("put", "--queue", "other", "x")
        let outcome = try await place.whileRunning(["work", "--queue", "mail", "--workers", "2", "--", "true"]) { _ in
            func ids() async throws -> [Int] { try await place.workers().map(\.id) }
            try await eventually("both work") { try await ids().count == 2 }
            let both = try await ids()
            try await place.stint("workers", "stop", "\(both[0])")
            try await eventually("it has ended") { try await ids() == [both[1]] }
            try await place.stint("workers", "restart", "\(both[1])")
            try await eventually("another one has its place, and the stopped one none") {
                let now = try await ids()
                return now.count == 1 && now[0] > both[1]
            }
            let last = try await ids()[0]
            try await place.stint("workers", "quiet", "\(last)")
            #expect(try await place.stint("workers").contains("be quiet"))
            try await put(1)
            try await place.stint("workers", "quiet", "\(last)", "--off")
            try await eventually("it works again") { try await place.counts("mail").done == 1 }
            try await place.stint("workers", "stop", "\(last)")
        }
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await place.stint("workers") == "no workers\n")
        #expect(try await place.run(Workplace.stint, ["workers", "quiet", "999"]).code == 65)
    }
}
