import Foundation
import Testing

@Suite("Digests and replaced jobs from a shell", .inOwnFolder, .timeLimit(.minutes(5)))
struct DigestTests {
    let place = Workplace.ofThisTest

    @Test("payloads of one key come to the command together, one on each line, and are shown so")
    func collect() async throws {
        let collect = ["--unique", "member-42", "--on-conflict", "collect"]
        for text in ["Zoë likes it", "", "Ada writes"] {
            #expect(try await place.attempt(["put", text] + collect).output == "1\n")
        }
        let job = try await place.job(1)
        #expect(job.payloads == ["Zoë likes it", "", "Ada writes"] && job.payload == nil && job.events == 3)
        #expect(job.payloadBytes == "Zoë likes itAda writes".utf8.count)
        #expect(try await place.jobs("ready").map(\.events) == [3])
        #expect(try await place.stint("show", "1", "--payload") == "Zoë likes it\n\nAda writes\n")
        #expect(
            try await place.stint("show", "1", "--payload", "--digest-format", "length-prefixed")
                == "13\nZoë likes it\n0\n\n10\nAda writes\n")
        let shown = try await place.stint("show", "1")
        #expect(shown.contains("23 bytes in 3 events, text/plain"), "\(shown)")
        try await place.stint("work", "--drain", "--", "sh", "-c", "cat > out; echo $STINT_EVENTS >> out")
        #expect(String(decoding: try place.read("out"), as: UTF8.self) == "Zoë likes it\n\nAda writes\n3\n")
        #expect(try await place.attempt(["put", "next"] + collect).output == "2\n")
    }

    @Test("lines of standard input become one digest, up to its bounds")
    func lines() async throws {
        let text = (1...25).map { "line \($0)\n" }.joined()
        let outcome = try await place.attempt(
            "put", "--lines", "--unique", "k", "--on-conflict", "collect", "--max-events", "10", "--debounce", "1h",
            "--at-most", "2h", input: Array(text.utf8))
        #expect(outcome.output == "25\n", "\(outcome)")
        #expect(try await place.jobs("delayed").map(\.events) == [10, 10, 5])
        #expect(try await place.job(3).payloads == (21...25).map { "line \($0)" })
        let binary = try await place.attempt(
            "put", "-", "--unique", "b", "--on-conflict", "collect", input: Array("two\nlines".utf8))
        #expect(binary.output == "4\n")
        let refusal = try await place.refusal("show", "4", "--payload")
        #expect(refusal.code == 65 && refusal.sentence.contains("use --digest-format length-prefixed"))
        try await place.stint("delete", "1", "2", "3")
        #expect(try await place.jobs("delayed").isEmpty)
    }

    @Test("replace puts the newer payload and delay in place of a job that waits")
    func replace() async throws {
        let replace = ["--unique", "k", "--on-conflict", "replace"]
        #expect(try await place.attempt(["put", "old", "--delay", "1h"] + replace).output == "1\n")
        #expect(try await place.attempt(["put", "new", "--delay", "2h"] + replace).output == "1\n")
        let job = try await place.job(1)
        #expect(job.payload == "new" && job.runAt == job.enqueuedAt + 7_200_000)
        #expect(try await place.attempt(["put", "newest"] + replace).output == "1\n")
        #expect(try await place.counts() == QueueDocument(name: "default", ready: 1))
    }

    @Test("every event of eight producers is in one acknowledged digest, while workers are killed")
    func killedWorkers() async throws {
        try await place.stint("retain", "default", "1d")
        try FileManager.default.createDirectory(atPath: place.path("runs"), withIntermediateDirectories: false)
        let (producers, events) = (8, 12)
        let script = #"""
            i=0
            while [ $i -lt 12 ]; do
                i=$((i + 1))
                "$stint" put "$producer.$i" --unique k$((i % 2)) --on-conflict collect \
                    --debounce 100ms --at-most 300ms --max-events 20 --max-crashes 100 --max-attempts 100 > /dev/null || exit 1
            done
            """#
        // What each run was given, by job and token.
        let handler = "cat > runs/$STINT_JOB_ID.$STINT_TOKEN; sleep 0.1"
        let place = place
        try await withThrowingTaskGroup(of: Void.self) { group in
            for producer in 1...producers {
                group.addTask {
                    let outcome = try await place.shell(script, environment: ["producer": "\(producer)"])
                    #expect(outcome.code == 0, "\(outcome)")
                }
            }
            for worker in 1...3 {
                group.addTask {
                    for life in 1...4 {
                        _ = try await place.whileRunning(
                            ["work", "--lease", "500ms", "--", "sh", "-c", handler]
                        ) { process in
                            try await Task.sleep(for: .milliseconds(400 + 150 * worker + 100 * life))
                            // Now and then only the worker, and not its supervisor.
                            for child in process.children where life % 2 == 0 { child.send(SIGKILL) }
                            if life % 2 == 0 { try await Task.sleep(for: .milliseconds(200)) }
                            process.send(SIGKILL)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let drain = try await place.attempt("work", "--drain", "--retry-delay", "10ms", "--", "sh", "-c", handler)
        #expect(drain.code == 0, "\(drain)")
        let runs = try FileManager.default.contentsOfDirectory(atPath: place.path("runs"))
        var seen: [String] = []
        for job in try await place.jobs("done") {
            let payloads = try #require(try await place.job(job.id).payloads)
            seen += payloads
            // The run with the newest token is the one that was acknowledged.
            let tokens = runs.filter { $0.hasPrefix("\(job.id).") }.compactMap { Int($0.split(separator: ".")[1]) }
            let last = try #require(tokens.max(), "job \(job.id) was acknowledged and never run")
            #expect(try place.lines("runs/\(job.id).\(last)") == payloads, "job \(job.id)")
            for producer in 1...producers {
                let numbers = payloads.filter { $0.hasPrefix("\(producer).") }
                    .compactMap { Int($0.split(separator: ".")[1]) }
                #expect(numbers == numbers.sorted(), "job \(job.id): \(payloads)")
            }
        }
        let all = (1...producers).flatMap { producer in (1...events).map { "\(producer).\($0)" } }
        #expect(seen.sorted() == all.sorted())
        let counts = try await place.counts()
        #expect(counts.ready + counts.delayed + counts.leased + counts.buried == 0, "\(counts)")
    }
}
