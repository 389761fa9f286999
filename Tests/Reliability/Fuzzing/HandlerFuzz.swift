import Foundation
import GRDB
import TestSupport

/// A pipe handler that answers some jobs with anything at all, under the real `stint work --pipe`. Whatever happens to
/// these, the others are done, even those that were in flight beside them.
struct HandlerFuzz {
    private static let handler = """
        import json, sys
        for line in sys.stdin:
            job = json.loads(line)
            if job["payload"].startswith("guilty:"):
                sys.stdout.buffer.write(bytes.fromhex(job["payload"][7:]) + b"\\n")
                sys.stdout.buffer.flush()
            else:
                print(json.dumps({"id": job["id"], "token": job["token"], "verdict": "done"}), flush=True)
        """

    private let folder: String

    init(in folder: String) throws {
        self.folder = folder
        try Data(Self.handler.utf8).write(to: URL(filePath: folder + "/handler.py"))
    }

    func run(seed: UInt64) async throws -> [String] {
        var chance = SeededGenerator(seed: seed)
        let database = "case-\(seed).db"
        let innocents = (1...8).map { "innocent \($0)" }
        let guilty = (0...chance.below(2)).map { _ in "guilty:" + Self.hex(Self.answer(&chance)) }
        let lines = (innocents + guilty).shuffled(using: &chance)
        let child = Child(folder: folder)
        let put = ["put", "--lines", "--max-attempts", "2", "--max-crashes", "2", "--db", database]
        // A job that is never answered is past its time.
        let work = [
            "work", "--db", database, "--pipe", "--drain", "--concurrency", "\(1 + chance.below(4))", "--timeout", "1s",
            "--retry-delay", "0s", "--", "python3", "handler.py",
        ]
        for (arguments, input) in [(put, Array(lines.joined(separator: "\n").utf8)), (work, [])] {
            guard let outcome = try await child.run(arguments.map { Array($0.utf8) }, input: input) else {
                return ["\(arguments[0]) does not end"] + guilty
            }
            let problems = outcome.problems(isRaw: true)
            guard problems.isEmpty, outcome.status == .exited(0) else {
                return problems + ["\(arguments[0]): \(outcome.errors.suffix(2_000))"] + guilty
            }
        }
        let left = try await DatabaseQueue(path: "\(folder)/\(database)").read {
            try String.fetchAll($0, sql: "SELECT CAST(payload AS TEXT) FROM stint_jobs")
        }
        let hurt = left.filter { !guilty.contains($0) }
        return hurt.isEmpty ? [] : ["\(hurt) are not done"] + guilty
    }

    private static func answer(_ chance: inout SeededGenerator) -> [UInt8] {
        switch chance.below(3) {
        case 0: Hostile.text(&chance)
        case 1: Array(chance.pick(ByteFuzz.sampleAnswers).utf8)
        default: chance.bytes(chance.below(200))
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
