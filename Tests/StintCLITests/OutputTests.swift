import Foundation
import StintPlatform
import Subprocess
import TestSupport
import Testing

@Suite("Standard output goes wrong quietly or with a sentence", .inOwnFolder, .timeLimit(.minutes(15)))
struct OutputTests {
    let place = Workplace.ofThisTest

    private func put(lines: Int) async throws {
        let text = (1...lines).map { "payload \($0)\n" }.joined()
        try await place.stint("put", "--lines", input: Array(text.utf8))
    }

    @Test("a reader that goes away ends a long list quietly, with exit 0")
    func list() async throws {
        try await put(lines: 5_000)
        let outcome = try await place.shell(
            #"{ "$stint" list --limit 5000 --json; echo $? > code; } | head -1"#)
        #expect(outcome.output.hasPrefix("{") && outcome.output.hasSuffix("}\n"))
        #expect(outcome.output.count(where: \.isNewline) == 1)
        #expect(outcome.errors == "")
        #expect(try place.lines("code") == ["0"])
    }

    @Test("a reader that goes away ends show --payload and put quietly too; the job is put")
    func showAndPut() async throws {
        try place.write("payload", [UInt8](repeating: 0x61, count: 1_048_576))
        try await place.stint("put", "--file", "payload")
        let show = try await place.shell(#"{ "$stint" show 1 --payload; echo $? > code; } | head -c 1"#)
        #expect((show.output, show.errors) == ("a", ""))
        #expect(try place.lines("code") == ["0"])

        let put = try await place.shell(
            "{ \(untilThere("closed")); \"$stint\" put x; echo $? > code; } | { exec <&-; touch closed; }"
        )
        #expect(put.errors == "")
        #expect(try place.lines("code") == ["0"])
        #expect(try await place.counts().ready == 2)
    }

    @Test(
        "output to a full disk exits with 1 and a sentence",
        arguments: [
            "list", "list --json", "stats", "stats --json", "show 1", "show 1 --payload", "reap", "doctor",
            "workers", "top --interval 100ms", "pause default", "bury 1",
        ])
    func fullDisk(command: String) async throws {
        try await place.stint("put", "x")
        let outcome = try await place.shell(#""$stint" \#(command) > /dev/full"#)
        #expect(outcome.code == 1)
        #expect(outcome.errors == "stint: standard output cannot be written: No space left on device\n")
    }

    @Test("control characters of a payload, a header and a reason reach a terminal only escaped")
    func escapes() async throws {
        let nasty = "\u{1B}[2J\u{1B}]0;title\u{7}\u{9B}31m"
        try await place.stint("put", nasty, "--max-attempts", "1", "--unique", nasty)
        _ = try await place.attempt("work", "--drain", "--", "sh", "-c", #"printf '\033[2Jsaid\a' >&2; exit 1"#)
        let shown = try await place.stint("show", "1")
        let listed = try await place.stint("list")
        #expect(shown.contains("said") && listed.contains("said"))
        for text in [shown, listed] {
            #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
        }
        #expect(try await place.stint("show", "1", "--payload") == nasty)
    }

    #if os(Linux)
        @Test("a full pipe that does not block is waited for without using the processor, and nothing is lost")
        func nonBlocking() async throws {
            try await put(lines: 2_000)
            var ends: [CInt] = [-1, -1]
            try #require(pipe(&ends) == 0)
            let (readEnd, writeEnd) = (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
            defer { try? readEnd.close() }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            _ = fcntl(writeEnd.rawValue, F_SETFL, O_NONBLOCK)
            let result = try await Subprocess.run(
                place.configuration(
                    Workplace.stint, ["list", "--json", "--limit", "2000"], [:], PlatformOptions()),
                input: .none, output: .fileDescriptor(writeEnd, closeAfterSpawningProcess: true),
                error: .string(limit: 65_536)
            ) { execution in
                let process = RunningProcess(id: execution.processIdentifier.value)
                try await eventually("the pipe is full") {
                    var count: CInt = 0
                    return ioctl(readEnd.rawValue, UInt(FIONREAD), &count) == 0 && count >= 60_000
                }
                try await eventually("none of its threads runs", within: .seconds(20)) { process.isAsleep }
                return try await readAll(from: readEnd)
            }
            #expect(result.terminationStatus == .exited(0))
            #expect(result.standardError == "")
            #expect(result.closureResult.count { $0 == 0x0A } == 2_000)
        }

        /// Until the writer has closed it, on a thread that may block.
        private func readAll(from descriptor: FileDescriptor) async throws -> [UInt8] {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread {
                    var bytes: [UInt8] = []
                    var buffer = [UInt8](repeating: 0, count: 65_536)
                    while true {
                        let count = read(descriptor.rawValue, &buffer, buffer.count)
                        guard count > 0 else { break }
                        bytes += buffer.prefix(count)
                    }
                    continuation.resume(returning: bytes)
                }
            }
        }
    #endif

    @Test("what goes to no terminal has no colours and no progress bars")
    func plain() async throws {
        let text = (1...3_000).map { "payload \($0)\n" }.joined()
        let put = try await place.attempt("put", "--lines", input: Array(text.utf8))
        #expect((put.output, put.errors) == ("3000\n", ""))
        let work = try await place.attempt("work", "--drain", "--queue", "none", "--", "true")
        #expect((work.code, work.output) == (0, ""))
        #expect(work.errors == "stint: nothing was ever put into queue 'none'\n")
        for command in ["stats", "list", "show 1", "workers", "top --interval 100ms", "doctor"] {
            let outcome = try await place.shell("\"$stint\" \(command)")
            #expect(outcome.code == 0 && !(outcome.output + outcome.errors).contains("\u{1B}"))
        }
    }
}

@Suite("A progress bar is drawn on a terminal and taken away again", .inOwnFolder, .timeLimit(.minutes(5)))
struct ProgressBarTests {
    let place = Workplace.ofThisTest

    /// Runs `put --lines` on a terminal, feeds it until a bar is drawn, and does `body` then.
    private func put(
        on terminal: PseudoTerminal,
        _ body: (RunningProcess, StandardInputWriter) async throws -> Void
    ) async throws -> (status: TerminationStatus, errors: String) {
        let environment: [Environment.Key: String?] = ["TERM": "xterm-256color"]
        let result = try await Subprocess.run(
            place.configuration(Workplace.stint, ["put", "--lines"], environment, PlatformOptions()),
            input: .inputWriter, output: .fileDescriptor(terminal.theirs, closeAfterSpawningProcess: false),
            error: .string(limit: 65_536)
        ) { execution in
            let batch = Array(String(repeating: "x\n", count: 1_000).utf8)
            let deadline = ContinuousClock.now + .seconds(60)
            while !terminal.text.contains(" jobs") {
                try #require(ContinuousClock.now < deadline, "after a minute still no bar is drawn")
                _ = try await execution.standardInputWriter.write(batch)
            }
            try await body(
                RunningProcess(id: execution.processIdentifier.value), execution.standardInputWriter)
            try await execution.standardInputWriter.finish()
        }
        return (result.terminationStatus, result.standardError)
    }

    private func expectTakenAway(_ terminal: PseudoTerminal) {
        #expect(terminal.text.hasSuffix(" jobs\r\u{1B}[2K"), "\(terminal.text.debugDescription.suffix(200))")
    }

    @Test("also when the work ends with an error")
    func error() async throws {
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        let end = try await put(on: terminal) { _, input in
            do {
                _ = try await input.write([UInt8](repeating: 0x61, count: 17 << 20))
            } catch {
                // It has seen enough.
            }
        }
        #expect(end.status == .exited(65))
        #expect(end.errors.contains("has more than 16 MiB"))
        expectTakenAway(terminal)
    }

    @Test(
        "also when Ctrl-C or another signal ends the work, as it would without a bar",
        arguments: [SIGINT, SIGTERM, SIGHUP])
    func signal(number: CInt) async throws {
        let terminal = try PseudoTerminal(columns: 80, rows: 24)
        let end = try await put(on: terminal) { process, _ in
            process.send(number)
            try await eventually("it has ended") { !process.isAlive }
        }
        #expect(end.status == .signaled(number))
        #expect(end.errors == "")
        expectTakenAway(terminal)
    }
}
