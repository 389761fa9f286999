import Foundation
import GRDB
import Subprocess
import TestSupport
import Testing

/// `stint work` replaces its workers: by SIGHUP if there is no terminal, and by `stint workers restart`.
@Suite("A rolling restart", .inOwnFolder, .timeLimit(.minutes(15)))
struct RestartTests {
    let place = Workplace.ofThisTest

    /// A command that notes its start with its own process id, waits for `go` and notes its end.
    private let waiting = [
        "--", "sh", "-c",
        "echo $STINT_JOB_ID $$ >> started; \(untilThere("go")); echo $STINT_JOB_ID >> ended",
    ]

    /// A session of its own, as a service has it: these tests may run on a terminal.
    private var withoutTerminal: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        return options
    }

    private func started() throws -> [String] { try place.lines("started") }

    private func putJobs(_ count: Int) async throws {
        try await place.stint("put", "--lines", input: Array((1...count).map { "\($0)\n" }.joined().utf8))
    }

    // MARK: - SIGHUP

    @Test("SIGHUP replaces the workers one by one, each after its successor is ready; running jobs finish")
    func restart() async throws {
        try await putJobs(2)
        let outcome = try await place.whileRunning(["work", "--workers", "2"] + waiting, options: withoutTerminal) {
            supervisor in
            try await eventually("both run") { try started().count == 2 }
            let old = Set(supervisor.children)
            supervisor.send(SIGHUP)
            try await eventually("a successor is there beside the old ones") { supervisor.children.count == 3 }
            #expect(old.isSubset(of: Set(supervisor.children)))
            try place.write("go")
            try await eventually("all are new") {
                let now = Set(supervisor.children)
                return now.count == 2 && now.isDisjoint(with: old)
            }
            try await putJobs(1)
            try await eventually("they work") { try await place.counts().done == 3 }
            supervisor.send(SIGTERM)
        }
        #expect(outcome.code == 0)
        #expect(try started().count == 3)
    }

    @Test("two SIGHUPs and a SIGTERM in a row end in order: every worker is gone, every job is there")
    func signalsInARow() async throws {
        try await putJobs(4)
        var left: Set<RunningProcess> = []
        let outcome = try await place.whileRunning(["work", "--workers", "2"] + waiting, options: withoutTerminal) {
            supervisor in
            try await eventually("both run") { try started().count == 2 }
            left = Set(supervisor.children)
            supervisor.send(SIGHUP)
            try await eventually("a successor is there") { supervisor.children.count >= 3 }
            supervisor.send(SIGHUP)
            left.formUnion(supervisor.children)
            supervisor.send(SIGTERM)
            try place.write("go")
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(left.filter(\.isAlive).isEmpty)
        #expect(try await place.stint("workers") == "no workers\n")
        let counts = try await place.counts()
        #expect(counts.ready + counts.done == 4 && counts.leased == 0)
        let ready = try await place.jobs("ready")
        #expect(ready.allSatisfy { $0.attempts == 0 && $0.crashes == 0 })
    }

    @Test("a SIGHUP during a restart is remembered: those that were replaced already are replaced once more")
    func remembered() async throws {
        try await putJobs(1)
        let outcome = try await place.whileRunning(["work"] + waiting, options: withoutTerminal) { supervisor in
            try await eventually("the job runs") { try started().count == 1 }
            let old = Set(supervisor.children)
            supervisor.send(SIGHUP)
            try await eventually("the successor works") {
                try await place.stint("workers", "--json").split(separator: "\n").count == 2
            }
            let first = Set(supervisor.children).subtracting(old)
            #expect(first.count == 1)
            supervisor.send(SIGHUP)
            try place.write("go")
            try await eventually("another one has replaced the successor") {
                let now = Set(supervisor.children)
                return now.count == 1 && now.isDisjoint(with: old.union(first))
            }
            supervisor.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    // MARK: - Terminals

    /// Starts `stint work` as the first process of a terminal, and hangs that up.
    private func hangUp(
        _ command: String, _ afterwards: (RunningProcess) async throws -> Void
    ) async throws -> Outcome {
        try await place.stint("put", "x")
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        return try await place.run(
            "/usr/bin/setsid", ["--ctty", "/bin/sh", "-c", command], on: terminal,
            environment: ["stint": .some(Workplace.stint)]
        ) { process in
            try await eventually("it works") { try await place.counts().done == 1 }
            let workers = process.children
            #expect(workers.count == 1)
            terminal.hangUp()
            try await afterwards(process)
        }
    }

    @Test("closing the terminal stops it in an orderly way, with its workers", .enabled(if: Tools.hasSetsid))
    func closedTerminal() async throws {
        let outcome = try await hangUp("exec $stint work -- true") { process in
            try await eventually("it has ended") { !process.isAlive }
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try await place.stint("workers") == "no workers\n")
    }

    @Test("one that was started with nohup goes on when the terminal is closed", .enabled(if: Tools.hasSetsid))
    func nohup() async throws {
        let outcome = try await hangUp("trap '' HUP; exec $stint work -- true") { process in
            let workers = process.children
            try await place.stint("put", "x")
            try await eventually("it still works") { try await place.counts().done == 2 }
            #expect(process.children == workers)
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    // MARK: - stint workers restart

    @Test(
        "stint workers restart replaces the workers of every supervisor, also with a terminal",
        arguments: [false, true])
    func command(hasSession: Bool) async throws {
        try await putJobs(2)
        let options = hasSession ? withoutTerminal : PlatformOptions()
        let outcome = try await place.whileRunning(["work"] + waiting, options: options) { one in
            let other = try await place.whileRunning(["work"] + waiting, options: options) { two in
                try await eventually("both run") { try started().count == 2 }
                let old = Set(one.children + two.children)
                #expect(try await place.stint("workers", "restart") == "restarting 2 workers of 2 supervisors\n")
                try place.write("go")
                try await eventually("all are new") {
                    let now = Set(one.children + two.children)
                    return now.count == 2 && now.isDisjoint(with: old)
                }
                two.send(SIGTERM)
            }
            #expect(other.code == 0, "\(other.errors)")
            one.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try await place.counts().done == 2)
    }

    @Test("stint workers restart says whom it could not reach: a supervisor that is stopped, a worker without one")
    func unreachable() async throws {
        try await place.stint("put", "x")
        #expect(try await place.stint("workers", "restart") == "no workers\n")
        _ = try await place.whileRunning(["work", "--", "true"]) { supervisor in
            try await eventually("it works") { try await place.counts().done == 1 }
            supervisor.send(SIGSTOP)
            try await DatabaseQueue(path: place.path("stint.db")).write { database in
                try database.execute(
                    sql: """
                        INSERT INTO stint_workers (name, host, boot_id, namespaces, pid, process_start, queues,
                                                   concurrency, registered_at, seen)
                        VALUES ('alone:7', 'elsewhere', 'unknown', '', 7, 99, 'a', 1, 0, 0)
                        """)
            }
            let outcome = try await place.attempt("workers", "restart", "--wait", "100ms")
            #expect(outcome.code == 1)
            #expect(outcome.output == "restarting 0 workers of 0 supervisors\n")
            #expect(outcome.errors.contains("the worker alone:7 has no supervisor and is not replaced\n"))
            #expect(outcome.errors.contains(":\(supervisor.id) has not begun within 100ms: it may be stopped"))
            supervisor.send(SIGCONT)
            supervisor.send(SIGTERM)
        }
    }
}
