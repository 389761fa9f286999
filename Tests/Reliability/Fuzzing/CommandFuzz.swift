import Foundation
import GRDB
import TestSupport

/// The commands of the real `stint` on rows that another program has corrupted, and its worker.
struct CommandFuzz {
    private static let deadline: Duration = .seconds(40)

    private let rows: RowFuzz
    private let child: Child

    init(in folder: String) async throws {
        rows = try await RowFuzz(in: folder)
        child = Child(folder: folder)
    }

    func run(seed: UInt64) async throws -> [String] {
        var chance = SeededGenerator(seed: seed)
        let (path, corruption) = try rows.corruptedCopy(&chance)
        defer { rows.remove(path) }
        Watchdog.note(corruption.statements)
        let id = "\(corruption.touched.filter { $0 > 0 }.randomElement(using: &chance) ?? 7)"
        let commands: [[String]] = [
            ["list"], ["list", "--json"], ["list", "--queue", "q", "--state", "leased"], ["show", id],
            ["show", "--json", id], ["stats"], ["stats", "--json"], ["top", "--once", "--interval", "100ms"],
            ["doctor"],
            ["workers"], ["workers", "--json"], ["reap"], ["kick", "--queue", "q"],
        ]
        var problems: [String] = []
        for command in commands.shuffled(using: &chance).prefix(6) {
            problems += try await check(command, on: path)
        }
        let survivors = rows.survivors(of: corruption)
        if !survivors.isEmpty { problems += try await work(Set(survivors.keys), on: path) }
        return problems.isEmpty ? [] : problems + corruption.statements
    }

    private func check(_ command: [String], on path: String) async throws -> [String] {
        let name = command.joined(separator: " ")
        let arguments = (command + ["--db", path]).map { Array($0.utf8) }
        guard let outcome = try await child.run(arguments) else { return ["\(name): does not end"] }
        let isJSON = command.contains("--json")
        var problems = outcome.problems(isRaw: isJSON)
        if isJSON {
            for line in outcome.output.split(separator: 0x0A) {
                do {
                    _ = try JSONSerialization.jsonObject(with: Data(line))
                } catch {
                    problems.append("no JSON: \(String(decoding: line.prefix(300), as: UTF8.self))")
                }
            }
        }
        return problems.map { "\(name): \($0)" }
    }

    /// Works until all untouched jobs have run and are deleted, or done.
    private func work(_ survivors: Set<Int64>, on path: String) async throws -> [String] {
        for queue in ["q", "plain"] {
            _ = try await child.run(["kick", "--queue", queue, "--db", path].map { Array($0.utf8) })
        }
        try await DatabaseQueue(path: path, configuration: .waiting).write { database in
            // Their time has come, by the machine's own clock.
            try database.execute(sql: "UPDATE stint_delayed SET run_at = 1 WHERE job_id IN (\(Self.list(survivors)))")
        }
        let end = ContinuousClock.now + Self.deadline
        let left = Left()
        let outcome = try await child.whileRunning(
            [
                "work", "--db", path, "--queue", "q", "--queue", "plain", "--concurrency", "2", "--grace", "1s",
                "--digest-format", "length-prefixed", "--", "true",
            ]
        ) {
            repeat {
                try await Task.sleep(for: .milliseconds(10))
                left.ids = try Self.unfinished(survivors, path)
            } while !left.ids.isEmpty && ContinuousClock.now < end
        }
        var problems = outcome.problems(isRaw: true)
        if outcome.status != .exited(0) {
            problems.append("ended with \(outcome.status): \(outcome.errors.suffix(2_000))")
        }
        if !left.ids.isEmpty { problems.append("jobs \(left.ids) never came out: \(outcome.errors.suffix(2_000))") }
        return problems.map { "work: \($0)" }
    }

    /// `@unchecked Sendable`: one task writes, and another reads when that has ended.
    private final class Left: @unchecked Sendable {
        var ids: [Int64] = []
    }

    private static func unfinished(_ ids: Set<Int64>, _ path: String) throws -> [Int64] {
        try DatabaseQueue(path: path, configuration: .waiting).read { database in
            try Int64.fetchAll(
                database,
                sql: """
                    SELECT id FROM stint_jobs WHERE id IN (\(list(ids))) AND id NOT IN (SELECT job_id FROM stint_done)
                    """)
        }
    }

    private static func list(_ ids: Set<Int64>) -> String { ids.map(String.init).joined(separator: ", ") }
}
