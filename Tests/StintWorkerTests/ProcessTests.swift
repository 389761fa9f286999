import Foundation
import StintPlatform
import TestSupport
import Testing

@testable import StintWorker

@Suite("Processes are started, watched and ended", .timeLimit(.minutes(2)))
struct ProcessTests {
    private func shell(_ script: String, _ change: (inout Launch) -> Void = { _ in }) async throws -> ChildProcess {
        var launch = Launch(executable: "/bin/sh", arguments: ["-c", script], environment: .inherited)
        launch.standardInput = .null
        change(&launch)
        return try await ProcessLauncher.shared.start(launch)
    }

    /// What a script writes to its standard output.
    private func output(_ script: String, _ change: (inout Launch) -> Void = { _ in }) async throws -> [UInt8] {
        let pipe = try StintWorker.Pipe()
        let read = Log<UInt8>()
        let reader = PipeReader(pipe.readEnd, name: "test", onBytes: { for byte in $0 { read.append(byte) } })
        let process = try await shell(script) { launch in
            launch.standardOutput = .descriptor(pipe.writeEnd)
            change(&launch)
        }
        closeAll([pipe.writeEnd])
        _ = await process.waitForExit()
        await reader.finish()
        return read.all
    }

    private func isGone(_ id: pid_t) -> Bool {
        guard let facts = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8) else { return true }
        return facts.contains(") Z ")
    }

    @Test("the exit code, the signal, the memory and the time of a process are known when it has ended")
    func ends() async throws {
        let exited = try await shell("exit 7").waitForExit()
        #expect(exited.status == .exited(7) && exited.peakMemoryBytes > 100_000 && exited.ranFor > .zero)
        let killed = try await shell("kill -SEGV $$").waitForExit()
        #expect(killed.status == .signaled(SIGSEGV))
        let large = try await shell("exec python3 -c 'x = bytearray(64 << 20)'").waitForExit()
        #expect(large.isSuccess && large.peakMemoryBytes > 64 << 20)
    }

    @Test("many at once each get their own end")
    func many() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for code in 0..<100 {
                group.addTask { try await shell("exit \(code)").waitForExit().status == .exited(Int32(code)) }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    @Test("a program that cannot be started is an error with its reason, and leaves no process")
    func cannotStart() async throws {
        for (path, reason) in [("/no/such/program", "No such file"), ("/", "Permission denied")] {
            let error = await #expect(throws: (any Error).self) {
                try await ProcessLauncher.shared.start(
                    Launch(executable: path, arguments: [], environment: .inherited))
            }
            #expect("\(try #require(error))".contains(reason))
        }
    }

    @Test("variables pass as bytes, and those that are this process's alone do not reach handlers")
    func environment() async throws {
        setenv("STINT_TEST_BYTES", "a\u{FF}", 1)
        let bytes: [CChar] = [0x61, -1, 0x62, 0]
        setenv("STINT_TEST_BYTES", bytes, 1)
        for name in ["STINT_SUPERVISOR", "NOTIFY_SOCKET", "STINT_HEADER_STRAY"] { setenv(name, "x", 1) }
        defer {
            for name in ["STINT_TEST_BYTES", "STINT_SUPERVISOR", "NOTIFY_SOCKET", "STINT_HEADER_STRAY"] {
                unsetenv(name)
            }
        }
        let environment = try ProcessEnvironment.forHandlers(["ADDED": "Zoë"])
        let seen = try await output("printf '%s|%s' \"$STINT_TEST_BYTES\" \"$ADDED\"; env | grep -c STRAY") {
            $0.environment = environment
        }
        #expect(seen == [0x61, 0xFF, 0x62] + Array("|Zoë0\n".utf8))
        let names = environment.entries.map { String(decoding: $0.prefix { $0 != 0x3D }, as: UTF8.self) }
        #expect(Set(names).isDisjoint(with: ["STINT_SUPERVISOR", "NOTIFY_SOCKET", "STINT_HEADER_STRAY"]))
        #expect(throws: (any Error).self) { try ProcessEnvironment.forHandlers(["A=B": "x"]) }
    }

    @Test("a process has the three streams, the control line where it gets one, and nothing else open")
    func descriptors() async throws {
        let stray = open("/dev/null", O_RDONLY)  // not O_CLOEXEC
        let pipe = try StintWorker.Pipe()
        defer { closeAll([stray, pipe.readEnd, pipe.writeEnd]) }
        let list = "cd /proc/self/fd && echo *"
        // `echo *` itself has the folder open.
        #expect(String(decoding: try await output(list), as: UTF8.self) == "0 1 2 3\n")
        let control = try await output("\(list); echo hello >&3") { $0.control = pipe.writeEnd }
        #expect(String(decoding: control, as: UTF8.self) == "0 1 2 3 4\n")
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(read(pipe.readEnd, &bytes, 16) == 6)
    }

    @Test("no signal is blocked or ignored in a process")
    func signals() async throws {
        SignalDisposition.ignoreBrokenPipes()
        // Not through a shell, which would make an empty mask of its own.
        let status = String(
            decoding: try await output("") {
                $0.executable = "/bin/cat"
                $0.arguments = ["/proc/self/status"]
            }, as: UTF8.self)
        let masks = status.split(separator: "\n").filter { $0.hasPrefix("SigBlk:") || $0.hasPrefix("SigIgn:") }
            .compactMap { UInt64($0.dropFirst(8), radix: 16) }
        // 32 and 33 are the C library's own; no program can change them.
        #expect(masks.map { $0 & ~(0b11 << 31) } == [0, 0])
    }

    @Test("a memory limit is hard")
    func memoryLimit() async throws {
        let script = "exec python3 -c 'x = bytearray(256 << 20)' 2> /dev/null"
        #expect(try await shell(script) { $0.memoryLimit = 128 << 20 }.waitForExit().isSuccess == false)
        #expect(try await shell(script).waitForExit().isSuccess)
    }

    @Test("a group is ended with all that ignores SIGTERM in it, before its leader is reaped")
    func group() async throws {
        let pipe = try StintWorker.Pipe()
        let lines = Log<String>()
        let reader = PipeReader(
            pipe.readEnd, name: "test", onBytes: { lines.append(String(decoding: $0, as: UTF8.self)) })
        // The leader ends by SIGTERM, its child ignores it.
        let process = try await shell("(trap '' TERM; echo $(sh -c 'echo $PPID'); while :; do sleep 1; done) & wait") {
            $0.ownGroup = true
            $0.standardOutput = .descriptor(pipe.writeEnd)
        }
        closeAll([pipe.writeEnd])
        try await eventually("the child is there") { lines.all.joined().contains("\n") }
        let child = try #require(pid_t(lines.all.joined().trimmingCharacters(in: .newlines)))
        process.terminateGroup(after: .seconds(3_600))
        #expect(await process.waitForExit().status == .signaled(SIGTERM))
        try await eventually("the child has ended too") { isGone(child) }
        await reader.finish()
    }

    @Test("a group that ignores SIGTERM gets SIGKILL when its time is over, and signals to what is gone go nowhere")
    func patience() async throws {
        let process = try await shell("trap '' TERM; echo $$; while :; do sleep 1; done") { $0.ownGroup = true }
        process.terminateGroup(after: .milliseconds(20))
        #expect([.signaled(SIGKILL), .signaled(SIGTERM)].contains(await process.waitForExit().status))
        process.send(SIGKILL)
        process.terminateGroup(after: .zero)
    }

    @Test("a group can be killed from anywhere")
    func killedGroup() async throws {
        let process = try await shell("while :; do sleep 1; done") { $0.ownGroup = true }
        process.killGroup()
        #expect(await process.waitForExit().status == .signaled(SIGKILL))
    }

    @Test("a child that is cancelled while it waits for an end lets go of it")
    func cancelled() async throws {
        let process = try await shell("while :; do sleep 1; done") { $0.ownGroup = true }
        let waiting = Task { await process.endUnlessCancelled() }
        waiting.cancel()
        #expect(await waiting.value == nil)
        process.killGroup()
        _ = await process.waitForExit()
    }
}

@Suite("A mark tells what a process has started from all others", .timeLimit(.minutes(2)))
struct ProcessMarkTests {
    @Test("a mark covers itself and its parts, and nothing else")
    func covers() {
        let mark = ProcessMark(text: "ab")
        #expect(mark.covers(mark) && mark.covers(mark.part(1)))
        #expect(!mark.covers(ProcessMark(text: "abc")) && !mark.part(1).covers(mark.part(12)))
        #expect(ProcessMark.random() != ProcessMark.random())
    }

    @Test("processes are ended by their mark, and one without it or with another is left alone")
    func ended() async throws {
        let marks = [ProcessMark.random(), ProcessMark.random()]
        func start(_ mark: ProcessMark?) async throws -> ChildProcess {
            var launch = Launch(executable: "/bin/sleep", arguments: ["60"], environment: .inherited)
            launch.standardInput = .null
            if let mark { launch.environment.set(ProcessMark.variable, to: mark.text) }
            return try await ProcessLauncher.shared.start(launch)
        }
        let marked = try await start(marks[0].part(3))
        let others = [try await start(marks[1].part(3)), try await start(nil)]
        // While it takes up its program it has no environment.
        try await eventually("its mark can be read") { ProcessMark(ofProcess: marked.id) == marks[0].part(3) }
        #expect(MarkedProcesses.killOnce(coveredBy: marks[0]) == 1)
        #expect(await marked.waitForExit().status == .signaled(SIGKILL))
        #expect(others.allSatisfy { !$0.hasEnded })
        #expect(MarkedProcesses.killOnce(coveredBy: marks[0]) == 0)
        for process in others { process.send(SIGKILL) }
        for process in others { _ = await process.waitForExit() }
    }
}
