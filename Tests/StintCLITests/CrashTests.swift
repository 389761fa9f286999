import Foundation
import TestSupport
import Testing

@Suite("Workers that are killed lose nothing", .inOwnFolder, .timeLimit(.minutes(15)))
struct CrashTests {
    private static let rounds = 30
    private static let jobsPerRound = 12

    let place = Workplace.ofThisTest

    /// Every job's command writes the job's id, once before and once after its work.
    private let command = ["sh", "-c", "echo $STINT_JOB_ID >> started; cat > /dev/null; echo $STINT_JOB_ID >> ended"]

    @Test("SIGKILL at random points, 30 rounds: every job is done or buried once")
    func randomKills() async throws {
        var chance = SeededGenerator(seed: chosenSeed(for: "Random kills"))
        try await place.stint("retain", "default", "1d")
        var (put, kills) = (0, 0)
        for _ in 1...Self.rounds {
            let lines = (1...Self.jobsPerRound).map { "payload \(put + $0)\n" }.joined()
            try await place.stint("put", "--lines", input: Array(lines.utf8))
            put += Self.jobsPerRound
            kills += try await round(&chance)
        }
        print("Random kills: \(kills) workers of \(3 * Self.rounds) were killed")
        let drain = try await place.run(
            Workplace.stint,
            .init(["work", "--workers", "3", "--drain", "--lease", "300ms", "--retry-delay", "0s", "--"] + command))
        #expect(drain.code == 0, "\(drain)")
        try await check(put)
        #expect(kills >= Self.rounds / 2)
    }

    /// Runs three workers, kills one to three of them, each after a random number of further starts or ends of
    /// commands, and stops the others in order. Later rounds do what the dead ones held.
    private func round(_ chance: inout SeededGenerator) async throws -> Int {
        var kills = 0
        let victims = Int.random(in: 1...3, using: &chance)
        let batch = Int.random(in: 1...6, using: &chance)
        let points = (0..<victims).map { _ in Int.random(in: 0...Self.jobsPerRound / 2, using: &chance) }
        let order = (0..<3).shuffled(using: &chance)
        let workers = [
            "work", "--workers", "3", "--batch", "\(batch)", "--lease", "300ms", "--retry-delay", "0s", "--",
        ]
        let outcome = try await place.whileRunning(workers + command) { process in
            var children: [RunningProcess] = []
            try await eventually("three workers are there") {
                children = process.children.sorted { $0.id < $1.id }
                return children.count == 3
            }
            for (victim, point) in zip(order, points) {
                let before = try events()
                try await eventually("\(point) more events, or nothing left to do") {
                    if try events() >= before + point { return true }
                    let counts = try await place.counts()
                    return counts.ready + counts.delayed + counts.leased == 0
                }
                children[victim].send(SIGKILL)
                kills += 1
            }
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome)")
        return kills
    }

    /// How many starts and ends of commands there were so far.
    private func events() throws -> Int {
        try place.lines("started").count + place.lines("ended").count
    }

    private func check(_ put: Int) async throws {
        let counts = try await place.counts()
        #expect((counts.ready, counts.delayed, counts.leased) == (0, 0, 0))
        #expect(counts.done + counts.buried == put)
        let done = try await place.jobs("done").map(\.id)
        let buried = try await place.jobs("buried")
        // Each id is in one of the two, once, and each was acknowledged once.
        #expect((done + buried.map(\.id)).sorted() == Array(1...put))
        #expect(counts.done == done.count)
        let ended = Set(try place.lines("ended").compactMap { Int($0) })
        #expect(ended.isSuperset(of: done))
        for job in buried {
            #expect(job.crashes == job.maxCrashes)
            #expect(job.reason?.contains("was killed by SIGKILL") == true)
        }
        let doctor = try await place.attempt("doctor")
        #expect(doctor.code == 0, "\(doctor)")
    }

    @Test(
        "a worker of a container that was killed is found dead at once, by its lock, and its job is not blamed",
        .enabled("pid namespaces cannot be made here") { await Tools.canMakeNamespaces("--pid") })
    func otherNamespace() async throws {
        try await place.stint("put", "wait")
        let worker = [Workplace.crashingWorker, "alone", "stint.db", "3600000"]
        _ = try await place.whileRunning(
            ["--pid", "--mount-proc", "--fork", "--kill-child"] + worker, of: "/usr/bin/unshare"
        ) { namespace in
            try await eventually("the job runs") { try place.lines("starts") == ["1 wait"] }
            namespace.send(SIGKILL)
        }
        try await eventually("its lock is free") { try await place.stint("reap") == "requeued 1, buried 0, pruned 0\n" }
        let job = try await place.job(1)
        #expect((job.state, job.attempts, job.crashes) == ("ready", 0, 0))
        #expect(job.failures?.map(\.kind) == ["lost"])
    }

    @Test("a putting process that is killed leaves whole transactions, and the file is sound")
    func killedPut() async throws {
        var chance = SeededGenerator(seed: chosenSeed(for: "Killed put"))
        var before = 0
        for _ in 1...10 {
            // 1,000 lines go into one transaction; the rest of the input never comes.
            let whole = Int.random(in: 1...3, using: &chance)
            let lines = (1...(whole * 1_000 + Int.random(in: 1...999, using: &chance))).map { "payload \($0)\n" }
            try place.write("lines", Array(lines.joined().utf8))
            let outcome = try await place.shell(
                #"""
                mkfifo pipe; "$stint" put --lines < pipe & process=$!
                exec 3> pipe; cat lines >&3
                tries=0
                until "$stint" stats --json | grep -q '"ready":\#(before + whole * 1_000)}' || [ $((tries += 1)) -gt 3000 ]; do sleep 0.01; done
                kill -KILL $process; wait $process; rm pipe
                """#)
            #expect(outcome.output == "")
            before += whole * 1_000
            #expect(try await place.counts() == QueueDocument(name: "default", ready: before))
        }
        #expect(try await place.stint("doctor").contains("file: sound"))
        #expect(try await place.stint("put", "next") == "\(before + 1)\n")
    }

    @Test("a job whose worker is killed again and again is buried after --max-crashes; its neighbours are done")
    func poison() async throws {
        try await place.stint("put", "--lines", "--max-crashes", "2", input: Array("good 1\npoison\ngood 2\n".utf8))
        // The command kills the worker that started it.
        let script = #"read text; [ "$text" != poison ] || kill -KILL $PPID; echo "$text" >> ended"#
        let outcome = try await place.attempt("work", "--drain", "--lease", "1h", "--", "sh", "-c", script)
        #expect(outcome.code == 0)
        #expect(try await place.counts() == QueueDocument(name: "default", buried: 1, done: 2))
        let job = try await place.job(2)
        #expect((job.crashes, job.failures?.map(\.kind)) == (2, ["crashed", "crashed"]))
        #expect(job.failures?.allSatisfy { $0.diagnostics?.signal == "SIGKILL" } == true)
        #expect(Set(try place.lines("ended")).isSuperset(of: ["good 1", "good 2"]))
    }
}
