import Foundation
import GRDB
import Subprocess
import TestSupport
import Testing

@Suite("stint work: what the command gets", .inOwnFolder, .timeLimit(.minutes(15)))
struct WorkCommandTests {
    let place = Workplace.ofThisTest

    /// The facts of a job that has started this worker.
    private let factsOfAnotherJob: [Environment.Key: String?] = [
        "STINT_HEADER_STRAY": "x", "STINT_JOB_ID": "77", "STINT_QUEUE": "outer", "STINT_ATTEMPT": "9",
        "STINT_MAX_ATTEMPTS": "9", "STINT_TOKEN": "77", "STINT_CONTENT_TYPE": "outer/x", "STINT_HANDLER_ID": "ab.1",
    ]

    @Test(
        "facts of the job that a worker was started by reach neither its commands nor the worker",
        arguments: ["", "--pipe"])
    func factsOfNoJob(pipe: String) async throws {
        try await place.stint("put", "x")
        // Only the environment with which the worker was started can be seen.
        let facts = #"tr '\0' '\n' < /proc/$PPID/environ | grep ^STINT > worker; env | grep ^STINT > facts;"#
        let answer = #"""
            read line; id=${line#*'"id":'}; token=${line#*'"token":'}
            echo "{\"id\":${id%%,*},\"token\":${token%%[,\}]*},\"verdict\":\"done\"}"
            """#
        let arguments =
            pipe.isEmpty
            ? ["work", "--drain", "--", "sh", "-c", facts + " true"]
            : ["work", "--drain", "--pipe", "--", "sh", "-c", facts + answer]
        let outcome = try await place.run(Workplace.stint, Arguments(arguments), environment: factsOfAnotherJob)
        #expect(outcome.code == 0)
        #expect(try await place.counts().done == 1)
        for file in ["worker", "facts"] {
            // Whole lines: the value of STINT_HANDLER_ID is random, and may begin like any of these.
            let stray = Set(try place.lines(file)).intersection(
                factsOfAnotherJob.map { "\($0.key)=\($0.value ?? "")" })
            #expect(stray.isEmpty, "\(file): \(stray)")
        }
        #expect(try place.lines("worker").contains { $0.hasPrefix("STINT_SUPERVISOR=") })
    }

    @Test("the facts are in STINT_* variables, and nothing else is", arguments: [1, 2])
    func variables(workers: Int) async throws {
        try await place.stint(
            "put", "--queue", "mail", "--header", "Reply-To=Zoë", "--header", "trace=a=b c", "--max-attempts", "4", "x")
        try await place.stint(
            "work", "--queue", "mail", "--drain", "--workers", "\(workers)", "--", "sh", "-c",
            "env | grep ^STINT > facts", environment: factsOfAnotherJob)
        // Its value differs each time.
        let facts = try place.lines("facts").map { $0.hasPrefix("STINT_HANDLER_ID=") ? "STINT_HANDLER_ID" : $0 }
            .sorted()
        #expect(
            facts == [
                "STINT_ATTEMPT=1", "STINT_CONTENT_TYPE=text/plain; charset=utf-8", "STINT_DB=\(place.path("stint.db"))",
                "STINT_HANDLER_ID", "STINT_HEADER_REPLY_TO=Zoë", "STINT_HEADER_TRACE=a=b c", "STINT_JOB_ID=1",
                "STINT_MAX_ATTEMPTS=4",
                "STINT_QUEUE=mail", "STINT_TOKEN=1",
            ])
    }

    @Test("a command finds its database in STINT_DB and can put follow-up jobs")
    func followUp() async throws {
        try await place.stint("put", "first", "--db", "elsewhere.db")
        try await place.stint(
            "work", "--db", "elsewhere.db", "--drain", "--", "sh", "-c",
            #"cd /; [ "$(cat)" = second ] || "$stint" put second > /dev/null"#, environment: ["stint": Workplace.stint])
        #expect(!place.exists("stint.db"))
        #expect(try await place.stint("stats", "--json", "--db", "elsewhere.db").contains(#""done":2"#))
    }

    @Test("it has its arguments, the rest of the environment, the folder and no signal ignored")
    func surroundings() async throws {
        try await place.stint("put", "x")
        // `yes` ends by SIGPIPE, 128 + 13, only if that is not ignored.
        let script = #"printf '%s|' "$0" "$@" "$FACT"; pwd; (yes; echo $? > code) | head -1 > /dev/null"#
        let output = try await place.stint(
            "work", "--drain", "--", "sh", "-c", script, "zero", "", "two words", "--drain",
            environment: ["FACT": "known"])
        #expect(output == "worker 1: job 1: zero||two words|--drain|known|\(place.folder)\n")
        #expect(try place.lines("code") == ["141"])
    }

    @Test("a command may be a path, relative or whole, and has it as its own name")
    func path() async throws {
        try place.write("send-mail", Array("#!/bin/sh\necho \"$0 $1\"\n".utf8))
        chmod(place.path("send-mail"), 0o755)
        for (id, command) in [(1, "./send-mail"), (2, place.path("send-mail"))] {
            try await place.stint("put", "x")
            let output = try await place.stint("work", "--drain", "--", command, "now")
            #expect(output == "worker 1: job \(id): \(command) now\n")
        }
    }

    @Test("a path that is no program is refused", arguments: ["./missing", "./not-executable", "./", "/"])
    func noProgram(path: String) async throws {
        try place.write("not-executable", Array("#!/bin/sh\n".utf8))
        let refusal = try await place.refusal("work", "--drain", "--", path)
        #expect(refusal.code == 65)
        #expect(refusal.sentence.contains("there is no program '\(path)' that can be run"))
    }

    @Test(
        "a command that does not read its input is acknowledged",
        arguments: ["true", "exec <&-; cat /dev/null", "head -c 1 > first"])
    func unreadInput(script: String) async throws {
        try await place.stint("put", "-", input: [UInt8](repeating: 0x61, count: 1_048_576))
        try await place.stint("work", "--drain", "--", "sh", "-c", script)
        #expect(try await place.counts() == QueueDocument(name: "default", done: 1))
    }

    @Test("a command may write much before it reads its input")
    func muchOutput() async throws {
        let payload = [UInt8](repeating: 0x61, count: 1_048_576)
        try await place.stint("put", "-", input: payload)
        let outcome = try await place.attempt(
            "work", "--drain", "--", "sh", "-c",
            "head -c 500000 /dev/zero | tr '\\0' e >&2; head -c 500000 /dev/zero | tr '\\0' o; cat > input")
        #expect(outcome.code == 0)
        // One long line comes in pieces of at most 8 KiB, each a line of its own with its name.
        for (text, letter) in [(outcome.output, "o"), (outcome.errors, "e")] {
            let lines = text.split(separator: "\n")
            #expect(lines.allSatisfy { $0.hasPrefix("worker 1: job 1: ") && $0.utf8.count <= 8_300 })
            let pieces = lines.map { $0.dropFirst("worker 1: job 1: ".count) }
            #expect(pieces.joined() == String(repeating: letter, count: 500_000))
        }
        #expect(try place.read("input") == payload)
    }

    @Test("only the named queues are worked on, by priority over all of them")
    func queues() async throws {
        for (queue, priority) in [("a", "3"), ("b", "1"), ("c", "0"), ("a", "2"), ("b", "4")] {
            try await place.stint("put", "x", "--queue", queue, "--priority", priority)
        }
        try await place.stint(
            "work", "--queue", "a", "--queue", "b", "--drain", "--", "sh", "-c",
            "echo $STINT_QUEUE $STINT_JOB_ID >> log")
        #expect(try place.lines("log") == ["b 2", "a 4", "a 1", "b 5"])
        #expect(try await place.counts("c") == QueueDocument(name: "c", ready: 1))
    }

    @Test("--drain waits for what is delayed and ends when nothing is left", arguments: [1, 3])
    func drain(workers: Int) async throws {
        try await place.stint("put", "now")
        try await place.stint("put", "--delay", "300ms", "later")
        let outcome = try await place.attempt(
            "work", "--drain", "--workers", "\(workers)", "--", "sh", "-c", "cat; echo")
        #expect(outcome.code == 0)
        #expect(outcome.output.replacing(#/worker \d: job \d: /#, with: "") == "now\nlater\n")
        #expect(try await place.counts() == QueueDocument(name: "default", done: 2))
    }

    @Test("--drain makes the database where there is none, and ends")
    func drainNothing() async throws {
        let outcome = try await place.attempt("work", "--drain", "--", "true")
        #expect((outcome.code, outcome.errors) == (0, "stint: nothing was ever put into queue 'default'\n"))
        #expect(try await place.stint("stats") == "no queues yet\n")
    }

    @Test("a job that another process puts is started by an idle worker")
    func idle() async throws {
        let worker = try await place.whileRunning(["work", "--", "sh", "-c", "echo $STINT_JOB_ID >> log"]) { worker in
            for id in 1...3 {
                try await eventually("the database is there") { place.exists("stint.db") }
                try await place.stint("put", "x")
                try await eventually("job \(id) has run") { try place.lines("log").count == id }
            }
            worker.send(SIGTERM)
        }
        #expect(worker.code == 0)
        #expect(try place.lines("log") == ["1", "2", "3"])
    }

    @Test("--drain ends when no job is left, also where another program has made the counts wrong")
    func drainWithWrongCounts() async throws {
        try await place.stint("put", "x")
        let database = try DatabaseQueue(path: place.path("stint.db"))
        try await database.write {
            try $0.execute(sql: "UPDATE stint_queues SET ready = 7, delayed = \(Int64.max), leased = \(Int64.max)")
        }
        try database.close()
        let outcome = try await place.attempt("work", "--drain", "--", "true")
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await place.stint("list").isEmpty)
    }
}
