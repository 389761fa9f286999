import ArgumentParser
import Foundation
import Torture

/// A disk that is really full. Run it on a small one, for example a tmpfs in a mount namespace of its own: `unshare
/// --mount --map-root-user sh -c 'mount -t tmpfs -o size=64m none /mnt && stint-torture full-disk --disk /mnt'`.
struct FullDiskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "full-disk", abstract: "Fills a small disk while jobs run.")

    @Option(help: "A folder on the disk that may be filled.") var disk: String

    func run() async throws {
        let place = try TortureFolder()
        var problems: [String] = []
        let trials = FullDisk.Way.allCases.flatMap { way in [false, true].map { (way, $0) } }
        for (way, isSupervised) in trials {
            let trial = FullDisk(way, isSupervised: isSupervised, disk: disk, elsewhere: place.path)
            let report = try await trial.run()
            print(
                "\(way)\(isSupervised ? ", through a supervisor" : ""): \(report.acknowledged) jobs settled and \(report.extended) times leases extended on the full disk, "
                    + "after \(report.enqueued) jobs had filled it; \(report.reserve)")
            problems += report.problems
        }
        try conclude(problems, place)
    }
}
