import ArgumentParser
import Foundation
import Stint
import StintCore

/// Runs one job again and again until it is killed: notes when and in which process it was started.
struct ReviveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revive", abstract: "What stint-bench starts to kill its workers.", shouldDisplay: false)

    @Argument var workers: Int
    @Argument var database: String
    @Argument var notes: String

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        let notes = notes
        let supervisor = Supervisor(queue, workers: workers, logger: .quiet) { queue in
            var worker = Worker(queue, queues: [StintWorkload.queue], logger: .quiet)
            worker.registerOthers { _ in
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: notes))
                try handle.seekToEnd()
                try handle.write(contentsOf: Data("\(getpid()) \(MonotonicClock.nanoseconds())\n".utf8))
                try await Task.sleep(for: .seconds(3_600))
            }
            return worker
        }
        try await supervisor.run()
    }
}
