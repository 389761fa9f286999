import CFaults
import Foundation

/// Breaks the disk at the k-th call, for one k after the other, in all the ways that a disk breaks. The process must have
/// the VFS that can do so.
package struct FailingDisk {
    package var folder: String
    package var seed: UInt64
    /// Of how many calls one is tried; which, the seed decides.
    package var stride = 1
    package var faults = DiskFault.all

    package init(folder: String, seed: UInt64) {
        self.folder = folder
        self.seed = seed
    }

    package struct Report: Sendable {
        package var breaks = 0
        /// By the kind of fault: how many calls were tried, and what was refused meanwhile.
        package var lines: [String] = []
        package var problems: [String] = []
    }

    package func run() async throws -> Report {
        guard faults_install() == 0 else { throw TortureError("SQLite takes no VFS") }
        let template = folder + "/template"
        try FileManager.default.createDirectory(atPath: template, withIntermediateDirectories: true)
        try await DiskTrial.prepare(template + "/stint.db")
        var report = Report()
        for (number, fault) in faults.enumerated() {
            var chance = Chance(seed &+ UInt64(number))
            var refusals: [String: Int] = [:]
            var call = 1 + Int.random(in: 0..<stride, using: &chance)
            let first = call
            while true {
                let place = "\(folder)/\(number)-\(call)"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: template + "/stint.db", toPath: place + "/stint.db")
                var trial = DiskTrial(in: place, fault, seed: chance.next())
                let isBroken = try await trial.run(breakingAt: call)
                report.problems += trial.problems.map { "\(fault), from call \(call): \($0)" }
                refusals.merge(trial.refusals, uniquingKeysWith: +)
                if trial.problems.isEmpty { try FileManager.default.removeItem(atPath: place) }
                guard isBroken, report.problems.count < 20 else { break }
                report.breaks += 1
                call += stride
            }
            let said = refusals.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            report.lines.append(
                "\(fault): broke at \((call - first) / stride) calls, the last was \(call); \(said.isEmpty ? "nothing was refused" : said)"
            )
        }
        return report
    }
}
