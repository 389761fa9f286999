import Foundation
import GRDB
import TestSupport

/// The real `stint` with any arguments and any input: it ends with one of the documented exit codes and a reason, and
/// jobs that were not named are unchanged.
struct ArgumentFuzz {
    static let commands = [
        "put", "work", "reap", "stats", "list", "show", "workers", "top", "kick", "run", "bury", "cancel", "delete",
        "pause", "resume", "retain", "backup", "restore", "doctor", "help", "", "schedule", "schedule set",
        "schedule list", "schedule show", "workers restart", "queue", "queue set", "queue show", "group", "group set",
        "group list",
        "schedule pause", "schedule resume", "schedule run", "schedule delete", "move", "prioritize", "operations",
        "operations begin", "operations list", "operations show", "operations pause", "operations resume",
        "operations cancel", "operations restore", "workers quiet", "workers stop", "serve", "import", "retry",
        "webhook", "webhook set", "webhook list", "webhook show", "webhook test", "webhook delete", "export", "deliver",
        "sendmail",
    ]
    static let options = [
        "--db", "--queue", "--priority", "--delay", "--max-attempts", "--max-crashes", "--unique", "--idempotency-key",
        "--header", "--file",
        "--lines", "--limit", "--state", "--reverse", "--json", "--payload", "--once", "--workers", "--concurrency",
        "--batch",
        "--lease", "--timeout", "--retry-delay", "--grace", "--max-jobs", "--max-memory", "--max-age", "--memory-limit",
        "--pipe", "--error", "--older", "--all", "--yes", "--trim", "--drain", "--fail-if-buried", "--mode",
        "--to", "--wait", "--interval", "--max-held", "--help", "--version", "-h", "--", "-", "--no-such-option",
        "--group", "--expires", "--on-conflict", "--debounce", "--at-most", "--max-events", "--max-event-bytes",
        "--rate", "--group-concurrency", "--group-rate", "--group-order", "--fair", "--retain", "--weight", "--search",
        "--digest-format", "--cron", "--every", "--timezone", "--missed", "--content-type", "--after", "--reason",
        "--detach", "--off", "--web", "--auth-file", "--read-only", "--host-name", "--trusted-proxy",
        "--proxy-user-header", "--redact", "--new-token", "--role", "--on", "--template", "--allow-private",
        "--secret-file", "--new-secret", "--dry-run", "--time-to-run", "--dry-run-command", "--dry-run-pipe", "--work",
        "--work-pipe", "--tube", "--secrets", "--check", "--abandon", "--server", "--password-file",
        "--beanstalk", "--allow-remote", "--max-job-size", "--group-separator", "--no-web", "--no-read-only",
        "--no-allow-remote", "--config", "--catch-mail", "--max-mails", "--max-mail-memory", "--max-mail-size", "-t",
        "-i", "-f",
        "-F", "-bs", "-bm", "-oi", "-oem",
    ]
    private static let fitValues = [
        "q", "1", "0", "10", "100ms", "1s", "0s", "1K", "ready", "buried", "a=b", "x=", "=x", "1d", "1h30m", "36600d",
        "36601d", "0640", "50/1s", "unlimited", "strict", "off", "* * * * *", "@daily", "UTC", "Europe/Berlin", "all",
        "collect", "replace", "https://example.com/x", "http://[::1]", "age:q>1s", "slack", Self.backup,
    ]
    private static let backup = "backup.db"
    /// In a queue that no argument names, with ids that none has.
    private static let kept = "nobody-names-this"

    private let child: Child
    private let folder: String

    /// - Parameter folder: An empty one.
    init(in folder: String) async throws {
        // Deep, since some names climb.
        self.folder = folder + "/a/b/c/d/e/f"
        child = Child(folder: self.folder)
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        try await makeDatabase()
    }

    private var database: String { folder + "/stint.db" }

    private func makeDatabase() async throws {
        guard let outcome = try await child.run(["put", "x"].map { Array($0.utf8) }), outcome.status == .exited(0)
        else {
            throw CannotStart()
        }
        let database = try DatabaseQueue(path: database, configuration: .waiting)
        try await database.write { database in
            try database.execute(
                sql: """
                    UPDATE sqlite_sequence SET seq = 777777 WHERE name = 'stint_jobs';
                    INSERT INTO stint_enqueue (queue, payload) VALUES ('\(Self.kept)', x'00FF61'), ('\(Self.kept)', 'kept');
                    """)
        }
        try database.close()
        guard try await child.run(["backup", Self.backup].map { Array($0.utf8) })?.status == .exited(0) else {
            throw CannotStart()
        }
    }

    struct CannotStart: Error, CustomStringConvertible {
        var description: String { "\(Child.stint) cannot be started, or cannot put a job" }
    }

    // MARK: - Arguments

    func arguments(seed: UInt64) async throws -> [String] {
        var chance = SeededGenerator(seed: seed)
        let arguments = Self.arguments(&chance)
        guard let outcome = try await child.run(arguments, input: chance.oneIn(3) ? Hostile.text(&chance) : []) else {
            return ["it does not end", Self.describe(arguments)]
        }
        let problems = outcome.problems(
            isRaw: arguments.contains(Array("--payload".utf8)) || arguments.contains(Array("--json".utf8)))
        let all = try problems + harm()
        return all.isEmpty ? [] : all + [Self.describe(arguments)]
    }

    private static func arguments(_ chance: inout SeededGenerator) -> [[UInt8]] {
        let command = chance.pick(commands)
        var arguments =
            chance.oneIn(20) ? [Hostile.text(&chance)] : command.split(separator: " ").map { Array($0.utf8) }
        for _ in 0..<chance.below(5) {
            switch chance.below(6) {
            case 0: arguments.append(fit(Hostile.text(&chance)))
            case 1: arguments.append(Array("\(Hostile.number(&chance))".utf8))
            case 2: arguments.append(Array(chance.pick(fitValues).utf8))
            default:
                let option = chance.pick(options)
                arguments.append(Array(option.utf8))
                if chance.oneIn(2) { arguments.append(Array(chance.pick(fitValues).utf8)) }
                if chance.oneIn(4) { arguments[arguments.count - 1] += [0x3D] + fit(Hostile.text(&chance)) }
            }
        }
        // These work for ever, and wait for as long as their arguments say.
        if command == "work" { arguments += ["--drain", "--", "true"].map { Array($0.utf8) } }
        // It may put any database in the place of the one that it names.
        if command == "restore" { arguments += ["--to", "restored.db"].map { Array($0.utf8) } }
        if command == "serve" { arguments += ["--web", "nowhere"].map { Array($0.utf8) } }
        if command == "top" { arguments += ["--interval", "100ms"].map { Array($0.utf8) } }
        return arguments
    }

    /// No argument can have a NUL, and the system has a limit.
    private static func fit(_ bytes: [UInt8]) -> [UInt8] { Array(bytes.filter { $0 != 0 }.prefix(100_000)) }

    private static func describe(_ arguments: [[UInt8]]) -> String {
        "stint "
            + arguments.map { String(decoding: $0.prefix(200), as: UTF8.self).debugDescription }.joined(separator: " ")
    }

    /// The database must be sound, and jobs that were not named must be unchanged.
    private func harm() throws -> [String] {
        let database = try DatabaseQueue(path: database, configuration: .waiting)
        return try database.read { database in
            var problems: [String] = []
            let kept = try Data.fetchAll(
                database,
                sql: """
                    SELECT payload FROM stint_jobs j JOIN stint_ready r ON r.job_id = j.id JOIN stint_queues q ON q.id = j.queue_id
                    WHERE q.name = ? ORDER BY j.id
                    """, arguments: [Self.kept])
            if kept != [Data([0, 0xFF, 0x61]), Data("kept".utf8)] { problems.append("other jobs are now \(kept)") }
            if try String.fetchAll(database, sql: "PRAGMA quick_check") != ["ok"] {
                problems.append("the file is damaged")
            }
            return problems
        }
    }

    // MARK: - Input

    /// `put --lines` and `put -`: as many jobs as lines, each with exactly its bytes; or none, and a reason.
    func input(seed: UInt64) async throws -> [String] {
        var chance = SeededGenerator(seed: seed)
        var input: [UInt8] = []
        for _ in 0..<chance.below(30) {
            switch chance.below(4) {
            case 0: input += Hostile.text(&chance)
            case 1: input += chance.bytes(chance.below(3_000))
            case 2: input += [UInt8](repeating: UInt8(truncatingIfNeeded: chance.next()), count: chance.below(300_000))
            default: input += [0x0A]
            }
            if chance.oneIn(2) { input.append(0x0A) }
        }
        let isLines = chance.oneIn(2)
        let queue = "input-\(seed)"
        let arguments = ["put", "--queue", queue, isLines ? "--lines" : "-"].map { Array($0.utf8) }
        guard let outcome = try await child.run(arguments, input: input) else { return ["it does not end"] }
        var lines = input.split(separator: 0x0A, omittingEmptySubsequences: false).map { Data($0) }
        if lines.last?.isEmpty == true { lines.removeLast() }
        let expected = isLines ? lines : [Data(input)]
        let found = try await DatabaseQueue(path: database, configuration: .waiting).read { database in
            try Data.fetchAll(
                database,
                sql:
                    "SELECT payload FROM stint_jobs j JOIN stint_queues q ON q.id = j.queue_id WHERE q.name = ? ORDER BY j.id",
                arguments: [queue])
        }
        var problems = outcome.problems(isRaw: false)
        if outcome.status != .exited(0) { problems.append("refused: \(outcome.errors)") }
        if found != expected { problems.append("\(expected.count) jobs were put and \(found.count) found, or others") }
        return try problems + harm()
    }
}
