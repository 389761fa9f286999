import ArgumentParser
import Torture

/// Full and failing disks.
struct DiskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disk", abstract: "Makes each call to the file system fail, once or until the disk is repaired.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "Try one in this many calls.") var stride = 1
    @Option(help: "Do it again with other choices until this many minutes are over; 0: once.") var minutes = 0

    func run() async throws {
        let end = ContinuousClock.now + .seconds(60 * minutes)
        var (seed, rounds, breaks) = (seed, 0, 0)
        repeat {
            print("stint-torture disk --seed \(seed) --stride \(stride)")
            let place = try TortureFolder(inMemory: true)
            var disk = FailingDisk(folder: place.path, seed: seed)
            disk.stride = stride
            let report = try await disk.run()
            for line in report.lines { print("  \(line)") }
            try conclude(report.problems, place)
            (seed, rounds, breaks) = (seed &+ 1_000, rounds + 1, breaks + report.breaks)
        } while ContinuousClock.now < end
        print("\(breaks) times the disk broke, in \(rounds) rounds")
    }
}
