import Foundation
import Stint
import StintNotifications
import StintPlatform
import Subprocess
import TestSupport
import Testing

@Suite("A process that is killed in the middle of a fan-out", .timeLimit(.minutes(3)))
struct KilledFanOutTests {
    private static let members = 150
    private static let events = ["one", "two"]
    private static var jobs: Int { members * events.count }

    @Test("SIGKILL at seeded moments: each member has one job for each event, and each is delivered at least once")
    func kills() async throws {
        var chance = SeededGenerator(seed: chosenSeed())
        let folder = try TemporaryFolder()
        let (database, deliveries) = (folder.database, folder.path + "/deliveries")
        let queue = try await JobQueue(.sqlite(database))
        for id in Self.events {
            let event = try NotificationEvent(id: id, kind: "note", object: id)
            try await queue.enqueue(event, in: "events", options: event.options)
        }
        var kills = 0
        while true {
            let microseconds = kills < 25 ? Int.random(in: 1...8_000, using: &chance) : 0
            let status = try await run(database, deliveries, microseconds)
            let isKilled = status == .signaled(SIGKILL)
            try #require(isKilled || status.isSuccess, "\(status)")
            if isKilled { kills += 1 }
            // What was buried after three deaths is for a person to kick: also if the run that found the third one dead
            // buried it, had nothing left to do, and ended well.
            let kicked = try await queue.kick("events") + queue.kick("notifications")
            guard isKilled || kicked > 0 else { break }
        }
        #expect(kills >= 3, "\(kills) deaths")
        let lines = try String(contentsOfFile: deliveries, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        let all = Set((0..<Self.members).map { "m\(1_000 + $0)" })
        for event in Self.events {
            let ofEvent = lines.filter { $0[0] == event }
            #expect(Set(ofEvent.map { $0[1] }) == all, "members are missing, or others were told")
            let jobs = Dictionary(grouping: ofEvent) { $0[1] }.mapValues { Set($0.map { $0[2] }) }
            #expect(jobs.allSatisfy { $0.value.count == 1 }, "a member has two jobs for the event \(event)")
        }
        #expect(try await count(queue) == Self.jobs)
        await queue.close()
    }

    private func run(_ database: String, _ deliveries: String, _ microseconds: Int) async throws -> TerminationStatus {
        let program = (Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".") + "/NotifyingWorker"
        let result = try await Subprocess.run(
            .path(FilePath(program)),
            arguments: [database, deliveries, "\(Self.members)", "10", "\(microseconds)"], output: .discarded,
            error: .discarded)
        return result.terminationStatus
    }

    /// The jobs of members that there are or were.
    private func count(_ queue: JobQueue<SQLiteStore>) async throws -> Int {
        try await queue.stats().first { $0.name == "notifications" }.map {
            $0.ready + $0.delayed + $0.leased + $0.buried + $0.done
        } ?? 0
    }
}
