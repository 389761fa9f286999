import CFaults
import Foundation
import History
import StintSQLite
import TestSupport

/// Records a workload once, and then cuts the power at one moment of it after the other: builds what the disk may
/// contain, and checks it.
package struct PowerCuts {
    private let folder: String
    private let seed: UInt64
    /// After one of this many cuts Stint finishes the jobs. SQLite's own check is made after all of them.
    package var worksOffEvery = 1
    /// `nil`: a random choice for each cut.
    package var rest: DiskRest?
    private let durability: Durability
    private let reference: Reference
    private let record: FileRecord
    private let history: [Event]
    /// By step: the length of the history when it began and when it had ended.
    private let heard: [(begun: Int, ended: Int)]

    package struct Report: Sendable {
        package var cuts = 0
        /// After how many cuts the last steps were undone.
        package var undone = 0
        /// How many times the power was cut again while the database was opened.
        package var second = 0
        package var problems: [String] = []

        package init(cuts: Int = 0, second: Int = 0) {
            self.cuts = cuts
            self.second = second
        }

        package mutating func add(_ other: Report) {
            cuts += other.cuts
            undone += other.undone
            second += other.second
            problems += other.problems
        }
    }

    /// Runs the workload and records it. SQLite's VFS must be that of CFaults.
    package init(of script: ScriptedWorkload.Script, in folder: String, seed: UInt64, durability: Durability)
        async throws
    {
        self.folder = folder
        self.seed = seed
        self.durability = durability
        reference = try await Reference(of: script, in: folder + "/reference")
        let place = folder + "/life"
        try ScriptedWorkload.prepare(place, for: script)
        let heard = Heard()
        let life = ScriptedWorkload(
            in: place, script: script, durability: durability,
            landmarks: .init(
                begins: { step, _ in
                    heard.steps.append((try ScriptedWorkload.wholeHistory(in: place).count, .max))
                    faults_mark(Self.mark(step, hasEnded: false))
                },
                ended: { step, isPromised in
                    if isPromised { faults_mark(Self.mark(step, hasEnded: true)) }
                    heard.steps[step - 1].ended = try ScriptedWorkload.wholeHistory(in: place).count
                }))
        record = try await FileRecord(of: place) { try await life.live() }
        history = try ScriptedWorkload.wholeHistory(in: place)
        self.heard = heard.steps
        guard heard.steps.count + 1 == reference.boundaries.count else {
            throw TortureError("the recorded life has \(heard.steps.count) steps, and not those of the reference")
        }
    }

    private final class Heard {
        var steps: [(begun: Int, ended: Int)] = []
    }

    private static func mark(_ step: Int, hasEnded: Bool) -> Int64 { Int64(2 * step + (hasEnded ? 1 : 0)) }

    /// How many moments there are for a cut.
    package var moments: Int { record.operations.count + 1 }

    /// - Parameter goesOn: Called before each cut; it ends at twenty problems too.
    package func cut(_ numbers: Range<Int>, while goesOn: () -> Bool = { true }) async throws -> Report {
        var report = Report()
        for number in numbers where report.problems.count < 20 && goesOn() { report.add(try await cut(number)) }
        return report
    }

    /// Cuts the power once. The number, with the seed, decides when and what is left.
    package func cut(_ number: Int) async throws -> Report {
        var chance = SeededGenerator(seed: seed &+ UInt64(number) << 20)
        let rest = self.rest ?? DiskRest.allCases.randomElement(using: &chance)!
        let time = Int.random(in: 0..<moments, using: &chance)
        let place = "\(folder)/\(number)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try PowerCut(record: record, time: time, rest: rest).leave(in: place, &chance)

        let (ended, begun) = progress(before: time)
        // A disk that has written everything has lost nothing, whatever was synced.
        let isSafe = durability == .full || rest == .everything
        var steps = (isSafe ? ended : 0)...begun
        var report = Report(cuts: 1)
        if number % 4 == 0 {
            report = try await cutAgain(place, &chance)
            // Opening the file of an earlier Stint performs the first step.
            steps = steps.lowerBound...max(begun, 1)
        }
        let aftermath = RecoveryCheck(
            place, reference, steps: steps, history: isSafe ? history(ended, begun) : nil, isRebooted: true)
        let worksOff = (number / 2) % worksOffEvery == 0
        let found = try await aftermath.look(worksOff: worksOff)
        report.undone = found.step < ended ? 1 : 0
        report.problems += found.problems
        if report.problems.isEmpty { try FileManager.default.removeItem(atPath: place) }
        report.problems = report.problems.map {
            "cut \(number), before operation \(time) of \(moments), with \(rest) of the rest, in step \(begun) "
                + "(\(reference.names[begun])): \($0)"
        }
        return report
    }

    /// The last step that has ended well before an operation, and the last that has begun.
    private func progress(before time: Int) -> (ended: Int, begun: Int) {
        var (ended, begun) = (0, 0)
        for case .mark(let mark) in record.operations[..<time] where mark > 0 {
            if mark % 2 == 1 { ended = mark / 2 } else { begun = mark / 2 }
        }
        return (ended, begun)
    }

    /// All calls and answers. In the step that was under way there may be calls, but no answers.
    private func history(_ ended: Int, _ begun: Int) -> [Event] {
        var told = Array(
            history.prefix(begun == 0 ? 0 : ended == begun ? heard[begun - 1].ended : heard[begun - 1].begun))
        if ended < begun {
            told += history[heard[begun - 1].begun..<heard[begun - 1].ended].filter {
                if case .invoked = $0.kind { true } else { false }
            }
        }
        return told + ScriptedWorkload.voices.map { Event(time: told.last?.time ?? 0, process: $0, kind: .killed) }
    }

    /// Opens the databases, and cuts the power meanwhile: what is left then replaces what is in the folder.
    private func cutAgain(_ place: String, _ chance: inout SeededGenerator) async throws -> Report {
        let recovery = try await FileRecord(of: place) {
            for file in ScriptedWorkload.files where FileManager.default.fileExists(atPath: "\(place)/\(file)") {
                try await Self.openAndClose("\(place)/\(file)")
            }
        }
        try FileManager.default.removeItem(atPath: place)
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let time = Int.random(in: 0...recovery.operations.count, using: &chance)
        let rest = rest ?? DiskRest.allCases.randomElement(using: &chance)!
        try PowerCut(record: recovery, time: time, rest: rest).leave(in: place, &chance)
        return Report(cuts: 1, second: 1)
    }

    private static func openAndClose(_ path: String) async throws {
        var store: SQLiteStore? = try SQLiteStore(path: path)
        await store?.checkpointLog()
        store = nil
        try await awaitClosing(of: path)
    }
}
