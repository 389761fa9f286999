import Foundation
import TestSupport
import Testing

/// Processes that commands start and leave behind.
@Suite("stint work: what a command started ends with its job", .inOwnFolder, .timeLimit(.minutes(15)))
struct WorkDescendantsTests {
    let place = Workplace.ofThisTest

    /// Starts a process in a session of its own that writes its id into `file` and waits for `never`.
    private func daemon(_ file: String, _ before: String = "") -> String {
        // The name is an argument, since its variable may be removed.
        "\(before) setsid sh -c 'echo $$ > $0.new; mv $0.new $0; \(untilThere("never"))' \(file) > \(file).out 2>&1 &"
    }

    private func process(_ file: String) throws -> RunningProcess {
        let line = try #require(place.lines(file).first)
        return RunningProcess(id: try #require(pid_t(line)))
    }

    @Test(
        "a process that has left its command's group, session or environment ends with the job",
        arguments: ["", "env -i", "(", "setpgid"])
    func leftBehind(how: String) async throws {
        try await place.stint("put", "x")
        let start =
            switch how {
            case "(": "( \(daemon("left")) )"
            // A group of its own in the same session.
            case "setpgid":
                #"python3 -c 'import os; os.setpgid(0, 0); os.execvp("sh", ["sh", "-c", os.environ["SCRIPT"]])' &"#
            default: daemon("left", how)
            }
        let own = "echo $$ > left.new; mv left.new left; \(untilThere("never"))"
        _ = try await place.whileRunning(
            ["work", "--", "sh", "-c", "\(start)\n\(untilThere("left"))"], environment: ["SCRIPT": own]
        ) { worker in
            try await eventually("the job is done") {
                place.exists("stint.db") ? try await place.counts().done == 1 : false
            }
            let isAlive = try process("left").isAlive
            #expect(!isAlive)
            worker.send(SIGTERM)
        }
        #expect(try !process("left").isAlive)
    }

    @Test("a job past --timeout takes along what has left its command's group")
    func timeout() async throws {
        try await place.stint("put", "x", "--max-crashes", "1")
        _ = try await place.attempt(
            "work", "--drain", "--timeout", "1s", "--", "sh", "-c", "\(daemon("left")) \(untilThere("never"))")
        #expect(try await place.job(1).failures?.map(\.kind) == ["crashed"])
        #expect(try !process("left").isAlive)
    }

    @Test("of several jobs at once each ends what it has started itself and nothing else")
    func several() async throws {
        try await place.stint("put", "--lines", input: Array("1\n2\n".utf8))
        _ = try await place.whileRunning(
            [
                "work", "--concurrency", "2", "--", "sh", "-c",
                "(\(daemon("left$STINT_JOB_ID"))) \n \(untilThere("left$STINT_JOB_ID")); \(untilThere("go$STINT_JOB_ID"))",
            ]
        ) { worker in
            try await eventually("both run") { place.exists("left1") && place.exists("left2") }
            let (first, second) = (try process("left1"), try process("left2"))
            try place.write("go1")
            try await eventually("the first is done") { try await place.counts().done == 1 }
            #expect(!first.isAlive && second.isAlive)
            try place.write("go2")
            try await eventually("the second is done") { try await place.counts().done == 2 }
            #expect(!second.isAlive)
            worker.send(SIGTERM)
        }
    }

    @Test("a process without a mark ends when no job runs any more that can have started it")
    func unmarked() async throws {
        try await place.stint("put", "--lines", input: Array("1\n2\n".utf8))
        _ = try await place.whileRunning(
            [
                "work", "--concurrency", "2", "--", "sh", "-c",
                "(\(daemon("left$STINT_JOB_ID", "env -i"))) \n \(untilThere("left$STINT_JOB_ID")); \(untilThere("go$STINT_JOB_ID"))",
            ]
        ) { worker in
            try await eventually("both run") { place.exists("left1") && place.exists("left2") }
            let (first, second) = (try process("left1"), try process("left2"))
            try place.write("go1")
            try await eventually("the first is done") { try await place.counts().done == 1 }
            #expect(first.isAlive && second.isAlive)
            try place.write("go2")
            try await eventually("the second is done") { try await place.counts().done == 2 }
            #expect(!first.isAlive && !second.isAlive)
            worker.send(SIGTERM)
        }
    }

    @Test("what a pipe handler leaves behind ends with its process")
    func pipe() async throws {
        try await place.stint("put", "x")
        let script = #"""
            read line; id=${line#*'"id":'}; token=${line#*'"token":'}
            echo "{\"id\":${id%%,*},\"token\":${token%%[,\}]*},\"verdict\":\"done\"}"
            """#
        try await place.stint(
            "work", "--drain", "--pipe", "--", "sh", "-c", "\(daemon("left")) \(untilThere("left")); \(script)")
        #expect(try !process("left").isAlive)
    }

    @Test(
        "when a worker or all of stint is killed, what its command has left behind ends too", arguments: [true, false])
    func killed(worker: Bool) async throws {
        try await place.stint("put", "x")
        _ = try await place.whileRunning(
            [
                "work", "--", "sh", "-c",
                "[ -e left ] && exit; \(daemon("left")) \(untilThere("left")); \(untilThere("never"))",
            ]
        ) { supervisor in
            try await eventually("it is there") { place.exists("left") }
            let victim = worker ? try #require(supervisor.children.first) : supervisor
            victim.send(SIGKILL)
            try await eventually("it has ended") { try !process("left").isAlive }
            supervisor.send(SIGTERM)
        }
    }

    @Test("as the first process of a container it leaves no zombies, and reaps those of strangers too")
    func firstProcess() async throws {
        guard await Tools.canMakeNamespaces("--pid", "--mount-proc") else {
            return print("skipped: this system lets nobody make a pid namespace")
        }
        try await place.stint("put", "--lines", input: Array((1...15).map { "\($0)\n" }.joined().utf8))
        // Each leaves one that has ended and one that goes on, and counts those of earlier jobs.
        let script = """
            setsid true & setsid sleep 100 &
            grep -l '^State:.Z' /proc/[0-9]*/status 2> /dev/null | grep -c . >> zombies
            ls -d /proc/[0-9]* | grep -c . >> processes; exit 0
            """
        let outcome = try await place.run(
            "/usr/bin/unshare",
            ["--pid", "--mount-proc", "--fork", Workplace.stint, "work", "--drain", "--", "sh", "-c", script])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try await place.counts().done == 15)
        let (zombies, processes) = (try place.lines("zombies").compactMap { Int($0) }, try place.lines("processes"))
        // Its own `true` may have ended already.
        #expect(zombies.count == 15 && zombies.allSatisfy { $0 <= 1 }, "\(zombies)")
        #expect(processes.compactMap { Int($0) }.allSatisfy { $0 <= 12 }, "\(processes)")
    }

    @Test("a stranger that has got the number of a dead worker's process group lives")
    func reusedGroup() async throws {
        guard await Tools.canMakeNamespaces("--pid", "--mount-proc") else {
            return print("skipped: this system lets nobody make a pid namespace")
        }
        try await place.stint("put", "x")
        // The first process of the namespace reaps all orphans, so that numbers become free.
        let script = #"""
            import glob, os, signal, subprocess, time
            work = subprocess.Popen([os.environ['stint'], 'work', '--', 'sh', '-c', 'echo $$ $PPID >> started; exec sleep 60'])
            def lines(): return open('started').read().split('\n')[:-1] if os.path.exists('started') else []
            def until(what, tries=3000):
                for _ in range(tries):
                    if what(): return True
                    time.sleep(0.01)
            until(lambda: len(lines()) == 1)
            command, worker = map(int, lines()[0].split())
            os.kill(work.pid, signal.SIGSTOP)
            os.kill(worker, signal.SIGKILL)
            def reap():
                try: os.waitpid(command, os.WNOHANG)
                except ChildProcessError: pass
                return not os.path.exists(f'/proc/{command}')
            # Where the supervisor adopts it, it stays its child and keeps its number.
            until(reap, 200)
            try: open('/proc/sys/kernel/ns_last_pid', 'w').write(str(command - 1))
            except OSError: pass
            stranger = subprocess.Popen(['sleep', '60'], start_new_session=True)
            os.kill(work.pid, signal.SIGCONT)
            until(lambda: len(lines()) == 2)
            print('reused' if stranger.pid == command else 'another number', stranger.poll())
            work.terminate(); stranger.kill()
            """#
        let outcome = try await place.run(
            "/usr/bin/unshare", ["--pid", "--mount-proc", "--fork", "python3", "-c", script],
            environment: ["stint": Workplace.stint])
        #expect(outcome.output.hasSuffix(" None\n"), "\(outcome.output)\(outcome.errors)")
    }
}
