import Foundation
import GRDB
import TestSupport
import Testing

@Suite("stint top", .inOwnFolder, .timeLimit(.minutes(15)))
struct TopTests {
    let place = Workplace.ofThisTest

    @Test("--once prints queues, workers and deaths without escapes, at most 80 columns wide")
    func once() async throws {
        let long = "queue-" + String(repeating: "漢", count: 60)
        try await place.stint("put", "x", "--queue", long)
        try await place.stint("put", "x", "--max-crashes", "1")
        let script = #"printf 'the \033[2Jend of it %090d' 0 >&2; kill -SEGV $$"#
        _ = try await place.attempt("work", "--drain", "--", "sh", "-c", script)
        try await place.stint("put", "x", "--queue", "mail")
        let command = ["work", "--queue", "mail", "--", "sh", "-c", untilThere("go")]
        _ = try await place.whileRunning(command) { process in
            try await eventually("a worker runs job 3") {
                try await place.workers().first?.started?.first?.job == 3
            }
            let worker = try #require(try await place.workers().first)
            let text = try await place.stint("top", "--once", "--interval", "100ms")
            let lines = text.split(separator: "\n").map(String.init)
            #expect(text.contains("1 ready, 0 delayed, 1 leased, 1 buried, 0 done, 0 done/s, 0 new/s"))
            let words = lines.map { $0.split(separator: " ").map(String.init) }
            #expect(words.contains(["default", "0", "0", "0", "1", "0", "0", "0"]))
            #expect(words.contains(["mail", "0", "0", "1", "0", "0", "0", "0"]))
            #expect(words.contains { $0.prefix(3) == [worker.name, "mail", "3"] && $0.last == "alive" })
            #expect(words.contains { $0.prefix(2) == ["2", "default"] && $0.contains("SIGSEGV:") })
            // A long name and a long error are cut, and not the numbers.
            #expect(words.contains { $0[0].hasSuffix("漢…") && $0.dropFirst() == ["1", "0", "0", "0", "0", "0", "0"] })
            #expect(lines.contains { $0.hasSuffix("…") })
            for line in lines { #expect(line.unicodeScalars.reduce(0) { $0 + ($1 == "漢" ? 2 : 1) } <= 80, "\(line)") }
            #expect(!text.utf8.contains(0x1B))
            try place.write("go")
            process.send(SIGTERM)
        }
        #expect(try await place.stint("top", "--interval", "100ms").contains("\nno workers\n"), "no terminal: once too")
    }

    @Test("--once measures over the interval what is done and put")
    func rates() async throws {
        // Jobs come and go all the time that it looks.
        let script = """
            for i in 1 2 3 4 5 6 7 8 9 10; do seq 100; done | "$stint" put --lines > /dev/null
            "$stint" work --drain -- true & worker=$!
            tries=0
            until "$stint" top --once --interval 100ms > frame; grep -q '[1-9][.0-9]* done/s' frame; do
                [ $((tries += 1)) -lt 100 ] || break
            done
            kill $worker; wait $worker
            cat frame
            """
        let outcome = try await place.shell(script)
        #expect(outcome.output.contains(#/, [1-9][.0-9]* done\/s, 0 new\/s\n/#), "\(outcome)")
    }

    @Test("top on a terminal takes all of it and gives it back as it was", arguments: ["q", "Q", "SIGINT", "SIGTERM"])
    func restores(end: String) async throws {
        try await place.stint("put", "x")
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        let modes = terminal.modes
        // It does not wait for the hour to end.
        let outcome = try await place.stint("top", "--interval", "1h", on: terminal) { process in
            try await eventually("there is a picture") { terminal.picture.contains { $0.hasPrefix("default ") } }
            #expect(terminal.text.hasPrefix("\u{1B}[?1049h\u{1B}[?25l"))
            #expect(modes != 0 && terminal.modes == 0)
            switch end {
            case "SIGINT": process.send(SIGINT)
            case "SIGTERM": process.send(SIGTERM)
            default: try terminal.type("x\u{1B}\(end)")
            }
        }
        #expect((outcome.code, outcome.errors) == (0, ""))
        #expect(terminal.text.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"))
        #expect(terminal.modes == modes)
    }

    @Test("top gives the terminal back after Ctrl-Z, and takes it again when it goes on")
    func suspends() async throws {
        try await place.stint("put", "x")
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        let modes = terminal.modes
        let outcome = try await place.stint("top", "--interval", "1h", on: terminal) { process in
            try await eventually("there is a picture") { !terminal.picture.isEmpty }
            process.send(SIGTSTP)
            try await eventually("the terminal is back") { terminal.text.hasSuffix("\u{1B}[?1049l") }
            #expect(terminal.modes == modes)
            // A signal that comes first would only be forgotten.
            try await eventually("it draws again") {
                process.send(SIGCONT)
                return terminal.text.components(separatedBy: "\u{1B}[?1049h").count == 3
            }
            try terminal.type("q")
        }
        #expect(outcome.code == 0)
        #expect(terminal.modes == modes)
    }

    @Test("top fills a terminal of any size, follows a new size, and says what it leaves out")
    func resizes() async throws {
        for number in 10...60 { try await place.stint("pause", "queue-with-a-long-name-\(number)") }
        let terminal = try PseudoTerminal(columns: 100, rows: 30)
        let outcome = try await place.stint("top", "--interval", "1h", on: terminal) { process in
            try await eventually("there is a picture of 30 lines") { terminal.picture.count == 30 }
            #expect(terminal.picture.contains { $0.hasPrefix("queue-with-a-long-name-10 ") })
            #expect(terminal.picture.contains { $0.hasPrefix("… ") && $0.hasSuffix(" more") })
            #expect(terminal.picture.contains("no workers"))
            terminal.resize(columns: 40, rows: 12)
            process.send(SIGWINCH)
            try await eventually("there is a picture of 12 lines") { terminal.picture.count == 12 }
            #expect(terminal.picture.allSatisfy { $0.count <= 40 })
            try terminal.type("q")
        }
        #expect(outcome.code == 0)
    }

    @Test("buried jobs are red on a terminal, unless NO_COLOR is set", arguments: [nil, "1"])
    func colours(noColour: String?) async throws {
        try await place.stint("put", "x")
        try await place.stint("bury", "1")
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        _ = try await place.stint("top", on: terminal, environment: ["NO_COLOR": noColour]) { _ in
            try await eventually("there is a picture") { terminal.picture.contains { $0.hasPrefix("default ") } }
            try terminal.type("q")
        }
        #expect(terminal.text.contains("\u{1B}[31m") == (noColour == nil))
    }

    @Test("top says when it cannot read, shows what it knew, and goes on when it can again")
    func trouble() async throws {
        try await place.stint("put", "x")
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        let database = try DatabaseQueue(path: place.path("stint.db"))
        func execute(_ sql: String) async throws {
            try await database.write { try $0.execute(sql: sql) }
        }
        let outcome = try await place.stint("top", "--interval", "100ms", on: terminal) { process in
            try await eventually("there is a picture") { terminal.picture.contains { $0.hasPrefix("default ") } }
            try await execute("ALTER TABLE stint_queues RENAME TO elsewhere")
            try await eventually("it says so") { terminal.picture.contains { $0.hasPrefix("cannot read") } }
            #expect(terminal.picture.contains { $0.hasPrefix("default ") })
            try await execute("ALTER TABLE elsewhere RENAME TO stint_queues")
            try await eventually("it is well again") { !terminal.picture.contains { $0.hasPrefix("cannot read") } }
            try terminal.type("q")
        }
        #expect((outcome.code, outcome.errors) == (0, ""))
    }

    @Test("top that cannot read from the start says why, and shows all when it can")
    func troubleAtFirst() async throws {
        try await place.stint("put", "x")
        let database = try DatabaseQueue(path: place.path("stint.db"))
        try await database.write { try $0.execute(sql: "ALTER TABLE stint_queues RENAME TO elsewhere") }
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        let outcome = try await place.stint("top", "--interval", "100ms", on: terminal) { _ in
            try await eventually("it says so") { terminal.picture.first?.contains("stint_queues") == true }
            #expect(terminal.picture.count == 1)
            try await database.write { try $0.execute(sql: "ALTER TABLE elsewhere RENAME TO stint_queues") }
            try await eventually("it shows the queue") { terminal.picture.contains { $0.hasPrefix("default ") } }
            try terminal.type("q")
        }
        #expect((outcome.code, outcome.errors) == (0, ""))
    }

    @Test("where the database and the terminal have gone, it is the database of which top tells")
    func firstError() async throws {
        try await place.stint("put", "x")
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        // Without keys it does not hear of the terminal, and it reads again only when both have gone.
        let script = #"exec "$stint" top --interval 5s < /dev/null"#
        let outcome = try await place.run(
            "/bin/sh", ["-c", script], on: terminal, environment: ["stint": Workplace.stint]
        ) { _ in
            try await eventually("there is a picture") { terminal.picture.contains { $0.hasPrefix("default ") } }
            try FileManager.default.removeItem(atPath: place.path("stint.db"))
            terminal.hangUp()
        }
        #expect(outcome.code == 69 && outcome.errors.contains("was deleted or moved away"), "\(outcome)")
    }

    @Test("top and workers do not make the database", arguments: ["top", "workers"])
    func noDatabase(command: String) async throws {
        #expect(try await place.refusal(command).code == 69)
        #expect(try place.snapshot().isEmpty)
    }
}
