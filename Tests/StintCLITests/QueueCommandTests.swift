import Foundation
import TestSupport
import Testing

@Suite("stint queue and stint group", .inOwnFolder, .timeLimit(.minutes(5)))
struct QueueCommandTests {
    let place = Workplace.ofThisTest

    private struct Document: Decodable, Equatable {
        let name: String
        let ready: Int
        let limits: Limits
        let retentionMilliseconds: Int
        let startsInWindow: Int?
        let nextStartMilliseconds: Int?
        let groups: Int

        struct Limits: Decodable, Equatable {
            var concurrency: Int?
            var rate: Rate?
            var groupConcurrency: Int?
            var groupRate: Rate?
            var groupOrder = "strict"
            var fair = true
        }

        struct Rate: Decodable, Equatable {
            let starts: Int
            let windowMilliseconds: Int
        }
    }

    private struct GroupDocument: Decodable {
        let name: String?
        let weight: Int
        let ready: Int
        let running: Int
        let waitReason: WaitReasonDocument?
    }

    private func show(_ name: String = "mail") async throws -> Document {
        let text = try await place.stint("queue", "show", name, "--json")
        return try JSONDecoder().decode(Document.self, from: Data(text.utf8))
    }

    private func put(_ count: Int, group: String? = nil) async throws {
        let options = group.map { ["--group", $0] } ?? []
        for _ in 0..<count {
            let outcome = try await place.attempt(["put", "--queue", "mail", "x"] + options)
            try #require(outcome.code == 0, "\(outcome)")
        }
    }

    /// Starts a worker whose jobs run until there is a file `go`, waits until so many run, and does `body` meanwhile.
    private func whileRunning(_ count: Int, workers: Int = 4, _ body: () async throws -> Void) async throws {
        let command = ["work", "--queue", "mail", "--workers", "\(workers)", "--", "sh", "-c", untilThere("go")]
        _ = try await place.whileRunning(command) { process in
            try await eventually("\(count) jobs run") { try await place.counts("mail").leased == count }
            try await body()
            try place.write("go")
            process.send(SIGTERM)
        }
    }

    // MARK: - Settings

    @Test("set changes what is given, unlimited ends a limit, and show tells all in words and in JSON")
    func set() async throws {
        #expect(
            try await place.stint(
                "queue", "set", "mail", "--concurrency", "10", "--rate", "50/1s", "--group-concurrency", "1",
                "--group-rate", "1000/1h30m", "--group-order", "loose", "--fair", "off", "--retain", "7d")
                == "set mail: concurrency 10, rate 50/1s, group concurrency 1, loose order, group rate 1000/1h30m, not fair\n"
        )
        let text = try await place.stint("queue", "show", "mail")
        for line in [
            "queue              mail", "jobs               0 ready, 0 delayed, 0 leased",
            "                   0 buried, 0 done, 0 cancelled, 0 expired",
            "oldest             none ready", "in                 0 jobs in the last minute, 0 in the last hour",
            "waited             none in the last hour",
            "kept               for 7d when they are over", "concurrency        0 of 10 running",
            "rate               at most 50/1s; 0 started in the last 1s",
            "groups             none; priority alone decides (not fair)",
            "group concurrency  one of each group runs, in loose order: a job that waits for its retry lets the next one run",
            "group rate         at most 1000/1h30m for each group",
        ] { #expect(text.split(separator: "\n").contains { $0 == line }, "\(line)\n\(text)") }
        let all = Document.Limits(
            concurrency: 10, rate: .init(starts: 50, windowMilliseconds: 1_000), groupConcurrency: 1,
            groupRate: .init(starts: 1_000, windowMilliseconds: 5_400_000), groupOrder: "loose", fair: false)
        #expect(
            try await show()
                == Document(
                    name: "mail", ready: 0, limits: all, retentionMilliseconds: 604_800_000, startsInWindow: 0,
                    nextStartMilliseconds: nil, groups: 0))
        #expect(
            try await place.stint(
                "queue", "set", "mail", "--concurrency", "unlimited", "--rate", "unlimited", "--fair", "on")
                == "set mail: group concurrency 1, loose order, group rate 1000/1h30m\n")
        #expect(
            try await place.stint(
                "queue", "set", "mail", "--group-concurrency", "unlimited", "--group-rate", "unlimited",
                "--group-order", "strict") == "set mail: no limits\n")
        #expect(try await show().limits == Document.Limits())
        #expect(try await place.stint("queue", "show", "mail").hasSuffix("\ngroups       none\n"))
        // The older commands change the same settings.
        try await place.stint("pause", "mail")
        try await place.stint("retain", "mail", "0s")
        let paused = try await place.stint("queue", "show", "mail")
        #expect(paused.contains("mail, paused\n") && paused.contains("not at all when they are over"), "\(paused)")
    }

    @Test("each wrong limit, weight and name is refused in one sentence that names it, and nothing changes")
    func refusals() async throws {
        let wrong: [(code: Int32, [String], says: String)] = [
            (64, ["--rate", "fast"], "'fast' is invalid for '--rate"), (64, ["--rate", "50"], "such as 50/1s"),
            (64, ["--rate", "50/1"], "such as 50/1s"), (64, ["--rate", "/1s"], "such as 50/1s"),
            (64, ["--rate", "50/1s/2"], "such as 50/1s"), (64, ["--rate", "+5/1s"], "such as 50/1s"),
            (64, ["--rate", "5.5/1s"], "such as 50/1s"), (64, ["--rate", "99999999999999999999/1s"], "such as 50/1s"),
            (64, ["--rate", ""], "such as 50/1s"), (65, ["--rate", "0/1s"], "the rate allows 0 starts; it must allow"),
            (65, ["--rate", "1000001/1s"], "the rate allows 1000001 starts"),
            (65, ["--rate", "5/0s"], "the window of the rate is"),
            (65, ["--rate", "5/31d1ms"], "between 1 ms and 31 days"),
            (64, ["--group-rate", "x"], "for '--group-rate"),
            (65, ["--group-rate", "0/1s"], "the group rate allows 0"),
            (65, ["--group-rate", "1/32d"], "the window of the group rate"),
            (64, ["--concurrency", "many"], "for '--concurrency"), (64, ["--concurrency", "1.5"], "such as 10"),
            (64, ["--concurrency", "-1"], "write --concurrency=-1 if it is the value"),
            (64, ["--concurrency=-1"], "for '--concurrency"),
            (65, ["--concurrency", "0"], "the concurrency is 0; it must be between 1 and 1000000, or unlimited"),
            (65, ["--concurrency", "1000001"], "the concurrency is 1000001"),
            (64, ["--group-concurrency", ""], "for '--group-concurrency"),
            (65, ["--group-concurrency", "0"], "the group concurrency is 0"),
            (64, ["--group-order", "random"], "for '--group-order"), (64, ["--fair", "maybe"], "for '--fair"),
            (64, ["--retain", "long"], "for '--retain"), (64, [], "nothing was given to change"),
            // A right one beside it changes nothing either.
            (65, ["--concurrency", "5", "--rate", "0/1s"], "the rate allows 0"),
        ]
        let groups: [(code: Int32, [String], says: String)] = [
            (64, ["acme", "--weight", "heavy"], "'heavy' is invalid for '--weight"), (64, ["acme"], "--weight"),
            (65, ["acme", "--weight", "0"], "the weight is 0; it must be between 1 and 1000"),
            (65, ["acme", "--weight", "1001"], "the weight is 1001"),
            (65, ["acme", "--weight=-3"], "the weight is -3"),
            (65, ["", "--weight", "2"], "the group has 0 bytes; it must have 1 to 200"),
            (65, [String(repeating: "g", count: 201), "--weight", "2"], "the group has 201 bytes"),
        ]
        let puts = groups.filter { $0.0 == 65 && $0.2.hasPrefix("the group") }.map { ($0.0, $0.1[0], $0.2) }
        func expectRefusals() async throws {
            let before = try place.snapshot()
            for (code, arguments, says) in wrong.map({ ($0.0, ["queue", "set", "mail"] + $0.1, $0.2) })
                + groups.map({ ($0.0, ["group", "set", "mail"] + $0.1, $0.2) })
                + puts.map({ ($0.0, ["put", "x", "--queue", "mail", "--group", $0.1], $0.2) })
            {
                let outcome = try await place.attempt(arguments)
                let refusal = try #require(Refusal(outcome), "\(arguments): \(outcome)")
                #expect(refusal.code == code && refusal.sentence.contains(says), "\(arguments): \(refusal)")
            }
            // Without a database, none is made.
            if before.isEmpty { #expect(try place.snapshot().isEmpty) }
        }
        try await expectRefusals()
        try await place.stint("queue", "set", "mail", "--rate", "7/1m")
        try await place.stint("group", "set", "mail", "acme", "--weight", "3")
        let (queue, list) = (try await show(), try await place.stint("group", "list", "mail"))
        try await expectRefusals()
        #expect(try await show() == queue)
        #expect(try await place.stint("group", "list", "mail") == list)
    }

    @Test("a queue that does not exist is not shown, with a hint at the one that was meant")
    func unknown() async throws {
        try await put(1)
        for command in [["queue", "show", "mial"], ["group", "list", "mial"]] {
            let refusal = try #require(Refusal(try await place.attempt(command)))
            #expect(refusal.code == 65)
            #expect(
                refusal.sentence
                    == "there is no queue 'mial': nothing was ever put into it, and no limit was set; did you mean 'mail'?"
            )
        }
        #expect(try await place.stint("group", "list", "mail") == "no groups\n")
    }

    // MARK: - What waits, and why

    @Test("a group at its limit: show, group list, queue show, list, stats and top tell of it")
    func groupFull() async throws {
        try await place.stint("queue", "set", "mail", "--concurrency", "9", "--group-concurrency", "2")
        try await place.stint("group", "set", "mail", "acme", "--weight", "3")
        try await put(3, group: "acme")
        try await put(1)
        try await whileRunning(3) {
            let job = try await place.job(3)
            let expected = WaitReasonDocument(
                reason: "groupFull", text: "group acme: 2 of 2 running", group: "acme", running: 2, limit: 2)
            #expect(job.waitReason == expected && job.group == "acme" && job.state == "ready")
            let text = try await place.stint("show", "3")
            #expect(text.contains("\nwaits     group acme: 2 of 2 running\n"), "\(text)")
            let running = try await place.stint("show", "1")
            #expect(running.contains(#/group +acme/#) && !running.contains("waits"), "\(running)")
            #expect(
                try await place.stint("group", "list", "mail") == """
                    group  weight  ready  running  limit
                    -           1      0        1
                    acme        3      1        2  2 of 2 running

                    """)
            let groups = try await place.stint("group", "list", "mail", "--json").split(separator: "\n")
                .map { try JSONDecoder().decode(GroupDocument.self, from: Data($0.utf8)) }
            #expect(groups.map(\.name) == [nil, "acme"])
            #expect(
                groups.map(\.running) == [1, 2] && groups.map(\.ready) == [0, 1] && groups.map(\.weight) == [1, 3])
            #expect(groups.map(\.waitReason) == [nil, expected])
            let first = try await place.attempt("group", "list", "mail", "--limit", "1")
            #expect(first.output.split(separator: "\n").count == 2)
            #expect(first.errors == "stint: these are the first 1; --limit shows more\n")
            let queue = try await place.stint("queue", "show", "mail")
            #expect(queue.contains("concurrency        3 of 9 running\n"), "\(queue)")
            #expect(queue.contains("groups             1; they take turns\n"), "\(queue)")
            #expect(queue.contains("group concurrency  at most 2 of each group run\n"), "\(queue)")
            #expect(try await place.stint("stats").contains("  concurrency 9, group concurrency 2\n"))
            #expect(try await place.stint("list", "--state", "ready").contains("group acme\n"))
            let top = try await place.stint("top", "--once", "--interval", "100ms").split(separator: "\n")
            #expect(
                top.contains { $0.split(separator: " ") == ["mail", "1", "0", "3/9", "0", "0", "0", "0", "2/group"] },
                "\(top.joined(separator: "\n"))")
        }
    }

    @Test(
        "a queue at its limit, a pause, a missing worker and a turn are told of, and a limit that is raised acts at once"
    )
    func queueFull() async throws {
        try await place.stint("queue", "set", "mail", "--concurrency", "1")
        try await put(3)
        #expect(try await place.stint("show", "1").contains("waits     no worker takes jobs of queue 'mail'\n"))
        #expect(try await place.job(1).waitReason?.reason == "turn")
        try await whileRunning(1, workers: 2) {
            #expect(try await place.stint("show", "2").contains("waits     queue: 1 of 1 running\n"))
            #expect(
                try await place.job(2).waitReason
                    == WaitReasonDocument(reason: "queueFull", text: "queue: 1 of 1 running", running: 1, limit: 1))
            try await place.stint("pause", "mail")
            #expect(try await place.stint("show", "2").contains("waits     its queue is paused\n"))
            try await place.stint("resume", "mail")
            try await place.stint("queue", "set", "mail", "--concurrency", "unlimited")
            try await eventually("a sleeping worker starts the next job") {
                try await place.counts("mail").leased == 2
            }
            #expect(try await place.stint("show", "3").contains("waits     it waits for its turn and a free worker\n"))
        }
    }

    @Test("a rate tells when it allows the next start, for a queue and for a group")
    func rates() async throws {
        try await place.stint("queue", "set", "mail", "--rate", "2/1h", "--group-rate", "1/31d")
        try await put(2, group: "acme")
        try await put(2, group: "other")
        try await whileRunning(2) {
            let queue = try await show()
            #expect(queue.startsInWindow == 2)
            #expect((3_000_000...3_603_600).contains(try #require(queue.nextStartMilliseconds)))
            let text = try await place.stint("queue", "show", "mail")
            #expect(
                text.contains(#/rate +at most 2\/1h; 2 started in the last 1h, next start in 3\d{3} s\n/#), "\(text)")
            let waiting = try await place.job(2)
            #expect(waiting.waitReason?.reason == "rate" && waiting.waitReason?.group == "acme")
            #expect(try await place.stint("show", "2").contains(#/waits +rate of group acme: next start in \d+ s\n/#))
            #expect(try await place.stint("group", "list", "mail").contains(#/acme +1 +1 +1  next start in \d+ s\n/#))
            try await place.stint("queue", "set", "mail", "--group-rate", "unlimited")
            let reason = try #require(try await place.job(2).waitReason)
            #expect(reason.reason == "rate" && reason.group == nil)
            #expect((3_000_000...3_603_600).contains(try #require(reason.nextStartMilliseconds)))
            #expect(try await place.stint("show", "2").contains(#/waits +rate: next start in 3\d{3} s\n/#))
        }
    }

    @Test("in a strict order a group waits for the retry of its job, and doctor says so; in a loose one it goes on")
    func strict() async throws {
        try await place.stint("queue", "set", "mail", "--group-concurrency", "1")
        try await put(2, group: "acme")
        let command = [
            "work", "--queue", "mail", "--retry-delay", "1h", "--", "sh", "-c",
            "[ $STINT_JOB_ID != 1 ] && echo $STINT_JOB_ID >> ran",
        ]
        let outcome = try await place.whileRunning(command) { worker in
            try await eventually("job 1 has failed") { try await place.counts("mail").delayed == 1 }
            let reason = WaitReasonDocument(
                reason: "groupWaits", text: "group acme: job 1 waits for its retry", group: "acme", job: 1)
            #expect(try await place.job(2).waitReason == reason)
            #expect(try await place.stint("show", "2").contains("waits     group acme: job 1 waits for its retry\n"))
            #expect(try await place.job(1).waitReason?.reason == "delayed")
            #expect(try await place.stint("group", "list", "mail").contains("0  job 1 waits for its retry\n"))
            let doctor = try await place.stint("doctor")
            #expect(
                doctor.contains("ok    groups: 1 in 1 queue; claims look at all that have ready jobs\n"), "\(doctor)")
            #expect(
                doctor.contains(
                    #/ok    groups: 'acme' of queue 'mail' waits [2-5]\d more minutes for the retry of job 1, with 1 behind it: /#
                ), "\(doctor)")
            #expect(!place.exists("ran"))
            try await place.stint("queue", "set", "mail", "--group-order", "loose")
            try await eventually("job 2 runs") { try place.lines("ran") == ["2"] }
            worker.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome)")
    }

    @Test("doctor finds a group that another program has taken out of the line, and a reap puts it back")
    func stuck() async throws {
        try await put(2, group: "acme")
        #expect(try await place.stint("doctor").contains("ok    groups: 1 in 1 queue"))
        let change = try await place.shell("sqlite3 stint.db \"UPDATE stint_groups SET state = 'idle'\"")
        #expect(change.code == 0, "\(change)")
        let doctor = try await place.attempt("doctor")
        #expect(doctor.code == 1)
        #expect(
            doctor.output.contains(
                "WRONG groups: group 'acme' of queue 'mail' has ready jobs and no claim looks at them"))
        #expect(doctor.output.contains("`stint reap` puts it into the line again"))
        try await place.stint("reap")
        #expect(try await place.attempt("doctor").code == 0)
        #expect(try await place.attempt("work", "--queue", "mail", "--drain", "--", "true").code == 0)
        #expect(try await place.counts("mail").done == 2)
    }

    @Test("names of groups from elsewhere reach no terminal as they are")
    func hostile() async throws {
        let name = "a\u{1B}[2J\u{9B}31m\rb"
        try await place.stint("group", "set", "mail", name, "--weight", "2")
        try await place.stint("queue", "set", "mail", "--group-concurrency", "1")
        try await put(2, group: name)
        try await whileRunning(1) {
            for command in [["group", "list", "mail"], ["show", "2"], ["list"], ["doctor"]] {
                let outcome = try await place.attempt(command)
                #expect(outcome.code == 0, "\(outcome)")
                #expect(
                    !(outcome.output + outcome.errors).unicodeScalars.contains {
                        $0 != "\n" && $0.properties.generalCategory == .control
                    }, "\(command): \(outcome.output.debugDescription)")
            }
            // JSON has it exactly.
            #expect(try await place.job(2).group == name)
        }
    }
}
