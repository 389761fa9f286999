import CFaults
import Foundation
import TestSupport

/// Breaks the disk at the k-th call, for one k after the other, in all the ways in which a disk breaks. The process
/// must have the VFS that can do so.
package struct FailingDisk {
    package var folder: String
    package var seed: UInt64
    /// One of this many calls is tried; the seed decides which.
    package var stride = 1
    package var faults = DiskFault.all

    package init(folder: String, seed: UInt64) {
        self.folder = folder
        self.seed = seed
    }

    package struct Report: Sendable {
        package var breaks = 0
        /// For each kind of fault: how many calls were tried, and what was refused meanwhile.
        package var lines: [String] = []
        package var problems: [String] = []
    }

    package func run() async throws -> Report {
        guard faults_install() == 0 else { throw TortureError("SQLite takes no VFS") }
        let template = folder + "/template"
        try FileManager.default.createDirectory(atPath: template, withIntermediateDirectories: true)
        try await DiskTrial.prepare(template + "/stint.db")
        var report = Report()
        for ending in LostSync.Ending.allCases {
            let place = "\(folder)/lost-sync-\(ending)"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            report.problems += try await LostSync(in: place).run(ending)
        }
        for (number, fault) in faults.enumerated() {
            var chance = SeededGenerator(seed: seed &+ UInt64(number))
            var refusals: [String: Int] = [:]
            // If there are few calls, all are tried.
            let calls = try await count(fault, template)
            let stride = max(1, min(stride, calls / 7))
            var call = 1 + Int.random(in: 0..<stride, using: &chance)
            let first = call
            while true {
                let place = try copy(template, "\(number)-\(call)")
                var trial = DiskTrial(in: place, fault, seed: chance.next())
                let isBroken = try await trial.run(breakingAt: call)
                report.problems += trial.problems.map { "\(fault), from call \(call): \($0)" }
                refusals.merge(trial.refusals, uniquingKeysWith: +)
                if trial.problems.isEmpty { remove(place) }
                guard isBroken, report.problems.count < 20 else { break }
                report.breaks += 1
                call += stride
            }
            let said = refusals.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            let tried = (call - first) / stride
            report.lines.append(
                "\(fault): at \(tried) of \(calls) calls; refused: \(said.isEmpty ? "nothing" : said)"
            )
        }
        return report
    }

    private func copy(_ template: String, _ name: String) throws -> String {
        let place = "\(folder)/\(name)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: template + "/stint.db", toPath: place + "/stint.db")
        return place
    }

    private func remove(_ place: String) {
        do {
            try FileManager.default.removeItem(atPath: place)
        } catch {
            print("\(place) stays behind: \(error)")
        }
    }

    /// How many calls can fail in this way.
    private func count(_ fault: DiskFault, _ template: String) async throws -> Int {
        let place = try copy(template, "counting")
        defer { remove(place) }
        var trial = DiskTrial(in: place, fault, seed: seed)
        _ = try await trial.run(breakingAt: .max)
        return trial.calls
    }
}
