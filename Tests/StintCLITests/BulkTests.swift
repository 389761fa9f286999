import Foundation
import TestSupport
import Testing

@Suite("stint delete, bury and kick --queue, and stint run", .inOwnFolder, .timeLimit(.minutes(15)))
struct BulkTests {
    let place = Workplace.ofThisTest

    /// Four jobs of `mail`: 1 and 2 ready, 3 delayed, 4 buried; 5 in another queue.
    private func fill() async throws {
        try await place.stint("put", "--lines", "--queue", "mail", input: Array("a\nb\n".utf8))
        try await place.stint("put", "c", "--queue", "mail", "--delay", "1h")
        try await place.stint("put", "d", "--queue", "mail")
        try await place.stint("bury", "4")
        try await place.stint("put", "e", "--queue", "other")
    }

    private func left() async throws -> [Int] {
        var ids: [Int] = []
        for state in ["ready", "delayed", "leased", "buried"] { ids += try await place.jobs(state).map(\.id) }
        return ids.sorted()
    }

    @Test("without a terminal and without --yes nothing is deleted or buried, and it says what would be")
    func refusal() async throws {
        try await fill()
        let delete = try await place.refusal("delete", "--queue", "mail", "--all")
        #expect(delete.code == 65)
        #expect(
            delete.sentence
                == "this would delete 4 jobs of queue 'mail' (2 ready, 1 delayed, 1 buried), and there is no terminal to ask "
                + "on: nothing was changed; add --yes to do it")
        let bury = try await place.refusal("bury", "--queue", "mail", "--state", "delayed")
        #expect(bury.sentence.hasPrefix("this would bury 1 job of queue 'mail' (1 delayed)"))
        #expect(try await left() == [1, 2, 3, 4, 5])
        #expect(try await place.stint("delete", "--queue", "empty", "--all") == "deleted 0\n")
    }

    @Test("--yes deletes or buries what meets the conditions, and nothing else")
    func yes() async throws {
        try await fill()
        #expect(
            try await place.stint("delete", "--queue", "mail", "--state", "ready", "--older", "1h", "--yes")
                == "deleted 0\n")
        #expect(try await place.stint("delete", "--queue", "mail", "--error", "manually", "--yes") == "deleted 1\n")
        #expect(try await place.stint("bury", "--queue", "mail", "--state", "delayed", "--yes") == "buried 1\n")
        #expect(try await place.jobs("buried").map(\.id) == [3])
        #expect(try await place.stint("bury", "--queue", "mail", "--all", "--yes") == "buried 2\n")
        #expect(try await place.stint("delete", "--queue", "mail", "--all", "--yes") == "deleted 3\n")
        #expect(try await left() == [5])
        #expect(try await place.stint("doctor").contains("counts: of 2 queues agree"))
    }

    @Test("on a terminal it asks first", arguments: [("y\n", true), ("yes\n", true), ("n\n", false), ("\n", false)])
    func question(answer: String, isYes: Bool) async throws {
        try await fill()
        let terminal = try PseudoTerminal(columns: 100, rows: 24)
        let outcome = try await place.stint("delete", "--queue", "mail", "--state", "ready", on: terminal) { _ in
            try await eventually("it asks") {
                terminal.text.contains("delete 2 jobs of queue 'mail' (2 ready)? [y/N] ")
            }
            try terminal.type(answer)
        }
        #expect(outcome.code == (isYes ? 0 : 1))
        #expect(outcome.errors == (isYes ? "" : "stint: nothing was changed\n"))
        #expect(terminal.text.contains("deleted 2") == isYes)
        #expect(try await left() == (isYes ? [3, 4, 5] : [1, 2, 3, 4, 5]))
    }

    @Test("kick takes the buried jobs with an error, and the oldest first up to --limit")
    func kick() async throws {
        for text in ["timeout", "refused", "timeout", "timeout"] {
            try await place.stint("put", text, "--max-attempts", "1")
        }
        _ = try await place.attempt("work", "--drain", "--", "sh", "-c", "cat >&2; exit 1")
        #expect(
            try await place.stint("kick", "--queue", "default", "--error", "timeout", "--limit", "2") == "kicked 2\n")
        #expect(try await place.jobs("ready").map(\.id) == [1, 3])
        #expect(try await place.stint("kick", "--error", "timeout") == "kicked 1\n")
        #expect(try await place.jobs("buried").map(\.id) == [2])
    }

    @Test("a kick that finds nothing says where buried jobs are")
    func kickElsewhere() async throws {
        try await fill()
        let bare = try await place.attempt("kick")
        #expect((bare.code, bare.output) == (0, "kicked 0\n"))
        #expect(
            bare.errors
                == "stint: nothing is buried in queue 'default'; buried jobs are in 'mail' (1): stint kick --queue mail\n"
        )
        #expect(try await place.stint("kick", "--queue", "mail", "--error", "no such text") == "kicked 0\n")
    }

    private struct Operation: Decodable {
        let verb: String
        let filter: String
        let actor: String?
        let state: String
        let changed: Int
        let begunAt: Int64
    }

    private func operations() async throws -> [Operation] {
        try await place.stint("operations", "--json").split(separator: "\n").map {
            try JSONDecoder().decode(Operation.self, from: Data($0.utf8))
        }
    }

    @Test("a record stays of who changed how many jobs, when and by which conditions")
    func records() async throws {
        try await fill()
        let before = Int64(Date().timeIntervalSince1970 * 1_000)
        try await place.stint("bury", "--queue", "mail", "--state", "delayed", "--yes")
        try await place.stint("kick", "--queue", "mail", "--error", "manually", "--limit", "1")
        try await place.stint("cancel", "--queue", "mail", "--older", "1d", "--yes")
        try await place.stint("delete", "--queue", "mail", "--all", "--yes")
        // The first one is that of `fill`, which buries a job by its id.
        let all = try await operations().reversed().dropFirst()
        #expect(all.map(\.verb) == ["bury", "kick", "cancel", "delete"])
        #expect(
            all.map(\.filter) == [
                "queue:mail state:delayed", "queue:mail error:manually", "queue:mail age:>1d", "queue:mail",
            ])
        #expect(all.map(\.changed) == [1, 1, 0, 4])
        #expect(all.allSatisfy { $0.state == "done" && $0.actor?.hasPrefix("cli:") == true && $0.begunAt >= before })
    }

    @Test("what was deleted by a condition can be brought back")
    func restore() async throws {
        try await fill()
        try await place.stint("delete", "--queue", "mail", "--all", "--yes")
        #expect(try await left() == [5])
        try await place.stint("operations", "restore", "2")
        #expect(try await left() == [1, 2, 3, 4, 5])
    }

    @Test("Ctrl-C ends the command, which says that the operation goes on and how to end it; a reap finishes it")
    func interrupted() async throws {
        let count = 100_000
        try await place.stint("put", "--lines", input: Array(String(repeating: "x\n", count: count).utf8))
        let outcome = try await place.whileRunning(["bury", "--queue", "default", "--all", "--yes"]) { process in
            try await eventually("a step is made") { try await operations().first.map { $0.changed > 0 } ?? false }
            process.send(SIGINT)
        }
        #expect(outcome.code == nil && outcome.output.isEmpty)
        #expect(outcome.errors.contains("stint: operation 1 goes on: workers and `stint reap` make its next steps"))
        #expect(outcome.errors.contains("`stint operations cancel 1` ends it"))
        let interrupted = try #require(try await operations().first)
        #expect(interrupted.state == "running" && interrupted.changed < count)
        // Another process goes on two seconds after the last step.
        try await eventually("it is done") {
            try await place.stint("reap")
            return try await operations().first?.state == "done"
        }
        #expect(try await operations().first?.changed == count)
    }

    @Test("run lets delayed jobs start now, all or none")
    func run() async throws {
        try await fill()
        let refusal = try await place.refusal("run", "3", "4")
        #expect(refusal.code == 65)
        #expect(refusal.sentence == "job 4 is buried: kick it, and it is ready with all its attempts")
        #expect(try await place.job(3).state == "delayed")
        #expect(try await place.stint("run", "3", "1", "3") == "ready 2\n")
        #expect(try await place.job(3).state == "ready")
    }

    @Test("twenty thousand ids take no longer than their jobs do")
    func manyIDs() async throws {
        let count = 20_000
        try await place.stint("put", "--lines", input: Array(String(repeating: "x\n", count: count).utf8))
        let ids = (1...count).map(String.init)
        let start = ContinuousClock.now
        for command in ["bury", "kick", "delete"] {
            let outcome = try await place.attempt([command] + ids)
            #expect(outcome.code == 0 && outcome.output.hasSuffix(" \(count)\n"), "\(outcome)")
        }
        // The limit is for a debug build on a busy machine; it once took minutes for each.
        #expect(ContinuousClock.now - start < .seconds(90))
        #expect(try await left().isEmpty)
    }
}
