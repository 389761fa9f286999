import Foundation
import StintPlatform
import StintSQLite
import TestSupport

/// Cuts the power while clients work at a server, at one moment after the other: what it had answered must be there when
/// it starts again.
package struct ServerPowerCuts {
    private let folder: String
    private let seed: UInt64
    private let durability: Durability
    private let record: FileRecord
    private let changes: [TubeWorkload.Change]
    private let ids: [String: Int]
    /// `nil`: a random choice for each cut.
    package var rest: DiskRest?

    /// Runs the clients and the server, and records the files. SQLite's VFS must be that of CFaults.
    package init(commands: Int, in folder: String, seed: UInt64, durability: Durability) async throws {
        self.folder = folder
        self.seed = seed
        self.durability = durability
        let place = folder + "/life"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        var options = SQLiteStore.Options()
        options.durability = durability
        let workload = TubeWorkload(seed: seed, commands: commands)
        record = try await FileRecord(of: place) {
            try await workload.run("\(place)/jobs.db", options, socket: folder + "/socket")
            try await awaitClosing(of: "\(place)/jobs.db")
        }
        changes = workload.log.changes
        ids = workload.log.ids
    }

    package func cut(_ numbers: Range<Int>) async throws -> PowerCuts.Report {
        var report = PowerCuts.Report()
        for number in numbers where report.problems.count < 20 { report.add(try await cut(number)) }
        return report
    }

    /// Cuts the power once. The number, with the seed, decides when and what is left.
    private func cut(_ number: Int) async throws -> PowerCuts.Report {
        var chance = SeededGenerator(seed: seed &+ UInt64(number) << 20)
        let rest = self.rest ?? DiskRest.allCases.randomElement(using: &chance)!
        let time = Int.random(in: 0...record.operations.count, using: &chance)
        let place = "\(folder)/\(number)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try PowerCut(record: record, time: time, rest: rest).leave(in: place, &chance)

        var report = PowerCuts.Report(cuts: 1)
        let found: [String: TubeWorkload.Place?]
        do {
            found = try await places(in: place)
        } catch {
            report.problems = ["cut \(number), before operation \(time): the server does not start again: \(error)"]
            return report
        }
        let marks = marks(before: time)
        var isUndone = false
        for (job, changes) in Dictionary(grouping: changes, by: \.job) {
            let sent = changes.filter { marks.contains(2 * $0.number) }
            let answered = sent.filter { marks.contains(2 * $0.number + 1) }
            let isThere = found[job] ?? nil
            // A client sends its next command when it has read the reply to the last one.
            if isThere == answered.last?.place ?? nil || sent.count > answered.count && isThere == sent.last!.place {
                continue
            }
            isUndone = true
            // A disk that has written everything has lost nothing, whatever was synced.
            let mayBeUndone = durability == .normal && rest != .everything
            if mayBeUndone, isThere == nil || answered.contains(where: { $0.place == isThere }) { continue }
            let expected = answered.last?.place.map { "\($0)" } ?? "not there"
            report.problems.append(
                "cut \(number), before operation \(time) of \(record.operations.count), with \(rest) of the rest: job "
                    + "\(ids[job] ?? 0), \(job.prefix(20)), is \(isThere.map { "\($0)" } ?? "not there"); "
                    + "the last reply says: \(expected)")
        }
        report.undone = isUndone ? 1 : 0
        if report.problems.isEmpty { try FileManager.default.removeItem(atPath: place) }
        return report
    }

    private func marks(before time: Int) -> Set<Int> {
        Set(record.operations[..<time].compactMap { if case .mark(let mark) = $0 { mark } else { nil } })
    }

    /// Starts a server on what is left, and asks it for all jobs.
    private func places(in place: String) async throws -> [String: TubeWorkload.Place?] {
        var found: [String: TubeWorkload.Place?] = [:]
        var options = SQLiteStore.Options()
        options.clock = NextBoot()
        let (database, socket) = ("\(place)/jobs.db", folder + "/socket")
        try await TubeWorkload.withServer(database, options, socket: socket) {
            found = try await TubeClient.connected(to: socket) { client in
                var found: [String: TubeWorkload.Place?] = [:]
                for (body, id) in ids { found[body] = try await Self.place(of: id, body, &client) }
                return found
            }
        }
        try await awaitClosing(of: database)
        return found
    }

    private static func place(
        of id: Int, _ body: String, _ client: inout TubeClient
    ) async throws -> TubeWorkload.Place? {
        let found = try await client.ask("peek \(id)")
        if found.line == "NOT_FOUND" { return nil }
        // An id that was given in a put that the cut has undone may be another job's. Here nobody puts again.
        guard found.body == body else { throw TortureError("job \(id) has the body '\(found.body.prefix(40))'") }
        let lines = try await client.ask("stats-job \(id)").body.split(separator: "\n")
        func value(_ key: String) -> Substring? {
            lines.first { $0.hasPrefix("\(key): ") }?.dropFirst(key.utf8.count + 2)
        }
        guard let priority = value("pri").flatMap({ UInt32($0) }) else { throw TortureError("job \(id): \(lines)") }
        switch value("state") {
        case "ready": return .ready(priority)
        case "delayed": return .delayed(priority)
        case "buried": return .buried(priority)
        case let state: throw TortureError("job \(id) is \(state ?? "nothing"), although nobody can hold it")
        }
    }
}

/// The machine has started again.
private struct NextBoot: QueueClock {
    private let begin = SystemClock().now().monotonic

    func now() -> ClockReading {
        var now = SystemClock().now()
        now.boot = "the next"
        now.monotonic -= begin
        return now
    }
}
