import Foundation
import Subprocess
import TestSupport
import Testing

/// Stint's central promise: of a thousand jobs, those that kill their worker are buried, and no other.
@Suite("A thousand jobs, seven of which kill their worker", .inOwnFolder, .timeLimit(.minutes(15)))
struct PoisonProofTests {
    let place = Workplace.ofThisTest

    private static let poisons = ["segfault", "trap", "exit", "abort", "memory", "killed", "hang"]
    private static let total = 1_000
    /// Swift's backtraces take seconds on a busy machine, and a job that dies slowly looks like one that hangs.
    private static let quiet: [Environment.Key: String?] = ["SWIFT_BACKTRACE": "enable=no"]

    /// What runs the jobs, and how many at once in one process.
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case command, pipe, swift
        case commandFour, pipeFour, swiftFour

        var concurrency: Int { self == .command || self == .pipe || self == .swift ? 1 : 4 }
        var kind: Way { [.commandFour: .command, .pipeFour: .pipe, .swiftFour: .swift][self] ?? self }
        var testDescription: String { "\(kind.rawValue), \(concurrency) at once" }
    }

    @Test(
        "exactly the seven are buried, after three starts each, and nobody else loses an attempt",
        arguments: Way.allCases)
    func proof(way: Way) async throws {
        var chance = SeededGenerator(seed: chosenSeed(for: "poison proof, \(way.testDescription)"))
        let poisoned = try await enqueue(&chance)
        let outcome = try await whileKillingVictims {
            try await run(way)
        }
        #expect(outcome.code == 0, "\(outcome.errors.suffix(2_000))")

        let buried = try await place.jobs("buried")
        #expect(Set(buried.map(\.id)) == Set(poisoned.keys))
        #expect(try await place.counts() == QueueDocument(name: "default", buried: 7, done: Self.total - 7))
        let done = try await place.jobs("done")
        #expect(done.count == Self.total - 7)
        for innocent in done where innocent.attempts != 1 || innocent.crashes != 0 {
            Issue.record("job \(innocent.id) lost an attempt: \(try await place.job(innocent.id).failures ?? [])")
        }
        try await checkStories(poisoned, way)
        try checkStarts(poisoned, way)
        #expect(try await place.stint("workers") == "no workers\n")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: place.folder).filter { $0.contains("-worker-") } == [])
    }

    /// Puts the jobs in a random order.
    ///
    /// - Returns: What each poisoned job does, by its id.
    private func enqueue(_ chance: inout SeededGenerator) async throws -> [Int: String] {
        try await place.stint("retain", "default", "1d")
        let places = (1...Self.total).shuffled(using: &chance).prefix(Self.poisons.count)
        let poisoned = Dictionary(uniqueKeysWithValues: zip(places, Self.poisons))
        // In three steps, since the job that exits has a limit of its own: for a command that is a failure.
        let exits = try #require(poisoned.first { $0.value == "exit" }).key
        func lines(_ ids: Range<Int>) -> [UInt8] {
            Array(ids.map { poisoned[$0] ?? "good \($0)" }.joined(separator: "\n").utf8)
        }
        if exits > 1 { try await place.stint("put", "--lines", input: lines(1..<exits)) }
        #expect(try await place.stint("put", "--max-attempts", "3", "exit") == "\(exits)\n")
        if exits < Self.total { try await place.stint("put", "--lines", input: lines(exits + 1..<Self.total + 1)) }
        return poisoned
    }

    private func run(_ way: Way) async throws -> Outcome {
        let common = [
            "work", "--workers", "4", "--batch", "64", "--concurrency", "\(way.concurrency)", "--timeout", "5s",
            "--retry-delay", "0s", "--memory-limit", "512M", "--drain",
        ]
        switch way.kind {
        case .pipe:
            return try await place.run(
                Workplace.stint, .init(common + ["--pipe", "--", Workplace.crashingWorker, "pipe"]),
                environment: Self.quiet)
        case .swift:
            return try await place.run(
                Workplace.crashingWorker, .init(["swift", "stint.db", "4", "64", "\(way.concurrency)", "5000"]),
                environment: Self.quiet)
        default:
            // The shell alone runs the good ones, because it starts sooner.
            let script = #"""
                payload=$(cat)
                case "$payload" in
                    good*) echo "$STINT_JOB_ID good" >> starts ;;
                    *) exec "$0" command "$payload" ;;
                esac
                """#
            return try await place.run(
                Workplace.stint, .init(common + ["--", "sh", "-c", script, Workplace.crashingWorker]),
                environment: Self.quiet)
        }
    }

    /// Sends SIGKILL to every process that writes itself into `victims`.
    private func whileKillingVictims(_ body: () async throws -> Outcome) async throws -> Outcome {
        let place = place
        let killer = Task {
            var killed = 0
            while !Task.isCancelled {
                let victims = try place.lines("victims")
                for victim in victims.dropFirst(killed) { kill(try #require(pid_t(victim)), SIGKILL) }
                killed = victims.count
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        defer { killer.cancel() }
        return try await body()
    }

    /// Each has the diagnostics of its three ends.
    private func checkStories(_ poisoned: [Int: String], _ way: Way) async throws {
        for (id, mode) in poisoned {
            let job = try await place.job(id)
            let failures = try #require(job.failures)
            if way.kind == .command && mode == "exit" {
                #expect((job.attempts, job.crashes) == (3, 0))
                #expect(failures.map(\.kind) == ["failed", "failed", "failed"])
                #expect(failures.allSatisfy { $0.diagnostics?.exitCode == 1 })
                continue
            }
            #expect((job.attempts, job.crashes) == (3, 3), "\(mode)")
            #expect(failures.map(\.kind) == ["crashed", "crashed", "crashed"], "\(mode)")
            let signals = Set(failures.map { $0.diagnostics?.signal })
            switch mode {
            case "segfault": #expect(signals.isSubset(of: ["SIGSEGV", "SIGBUS"]), "\(signals)")
            case "trap": #expect(signals.isSubset(of: ["SIGTRAP", "SIGILL"]), "\(signals)")
            case "abort": #expect(signals == ["SIGABRT"])
            case "killed": #expect(signals == ["SIGKILL"])
            case "exit": #expect(failures.allSatisfy { $0.diagnostics?.exitCode == 1 })
            case "hang":
                #expect(failures.allSatisfy { $0.error.contains("timed out after") }, "\(failures.map(\.error))")
            default: #expect(failures.allSatisfy { $0.diagnostics?.signal != nil }, "\(mode)")
            }
            if mode == "trap" {
                #expect(failures.allSatisfy { $0.error.contains("Fatal error") }, "\(failures.map(\.error))")
            }
            if mode == "memory" {
                #expect(failures.allSatisfy { $0.diagnostics?.peakMemoryBytes ?? 0 > 200 << 20 })
            }
        }
    }

    /// With one job at once in a process its cause is known each time; with several, the first death may only make it a
    /// suspect, which costs nothing.
    private func checkStarts(_ poisoned: [Int: String], _ way: Way) throws {
        let starts = try place.lines("starts").map { String($0.split(separator: " ")[0]) }
        let counts = Dictionary(grouping: starts, by: { $0 }).mapValues(\.count)
        #expect(counts.count == Self.total)
        for (id, mode) in poisoned {
            let count = counts["\(id)", default: 0]
            if way.concurrency == 1 { #expect(count == 3, "\(mode)") } else { #expect(count >= 3, "\(mode)") }
        }
    }
}
