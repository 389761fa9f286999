import ServiceLifecycle
import StintCore

/// Shows the progress of a drain, and warns of paused queues.
struct DrainProgress: Service {
    /// The warning about a paused queue is repeated after this time.
    private static let reminder: Duration = .seconds(60)

    let drain: Drain

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var bar = ProgressBar(total: nil, neverWaits: true)
            defer { bar.finish() }
            var toldOfPause: [QueueName: ContinuousClock.Instant] = [:]
            do {
                let start = Counts(try await queues())
                while !Task.isCancelled {
                    try await Task.sleep(for: .milliseconds(200))
                    let queues = try await queues()
                    tellOfPause(queues, &toldOfPause)
                    let now = Counts(queues)
                    // Without overflow: another program may have written absurd counts.
                    let (done, buried) = (now.done &- start.done, max(0, now.buried &- start.buried))
                    bar.update(
                        done &+ buried, of: done &+ buried &+ now.left,
                        "\(done) done, \(buried) buried, \(now.left) left")
                }
            } catch {
                // It was cancelled, or the store cannot be read, which the worker reports.
                return
            }
        }
    }

    /// Warns of paused queues with jobs, which delay the drain until they are resumed.
    private func tellOfPause(_ queues: [QueueStats], _ told: inout [QueueName: ContinuousClock.Instant]) {
        let hints = QueueHints(queues: drain.queues, known: queues, database: drain.database)
        for queue in queues {
            guard queue.paused, queue.waiting > 0 else {
                told[queue.name] = nil
                continue
            }
            if let last = told[queue.name], ContinuousClock.now - last < Self.reminder { continue }
            told[queue.name] = .now
            Output.printError("the drain waits: \(hints.paused(queue))")
        }
    }

    private func queues() async throws -> [QueueStats] {
        try await drain.queue.stats().filter { drain.queues.contains($0.name) }
    }

    private struct Counts {
        private(set) var (done, buried, left) = (0, 0, 0)

        init(_ queues: [QueueStats]) {
            for queue in queues {
                done &+= queue.done
                buried &+= queue.buried
                left &+= queue.unfinished
            }
        }
    }
}
