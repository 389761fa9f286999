import ServiceLifecycle
import StintCore
import StintSQLite

/// `stint work --drain`: how far it has come, what holds it up, and what was buried in the end.
struct Drain {
    /// How many of the buried jobs are named with their reasons.
    private static let jobsNamed = 5

    let queue: JobQueue<SQLiteStore>
    /// Each once.
    let queues: [QueueName]
    let database: DatabaseOptions
    /// When it began, by the wall clock.
    let start: Timestamp

    /// Says which jobs were buried since it began, by whomever.
    ///
    /// - Returns: How many.
    func tellOfBuried() async throws -> Int {
        var buried: [(queue: QueueName, jobs: [JobID])] = []
        for name in queues {
            let selection = JobSelection(name, states: [.buried], buriedSince: start)
            var (jobs, cursor) = ([JobID](), SelectionCursor?.none)
            repeat {
                let step = try await queue.store.select(selection, from: cursor, limit: .max)
                jobs += step.jobs
                cursor = step.next
            } while cursor != nil
            if !jobs.isEmpty { buried.append((name, jobs)) }
        }
        let count = buried.reduce(0) { $0 + $1.jobs.count }
        guard let first = buried.first else { return 0 }
        Output.printError(
            "\(count) \(count == 1 ? "job was" : "jobs were") buried meanwhile; see "
                + database.command("list --queue \(first.queue) --state buried"))
        let all = buried.flatMap { queue, jobs in jobs.map { (queue, $0) } }
        for (name, id) in all.prefix(Self.jobsNamed) {
            let reason = try await queue.store.job(id)?.record.reason ?? "it is gone again"
            Output.printError("job \(id) in queue \(quoted(name.description)) was buried: \(oneLine(reason, limit: 300))")
        }
        if count > Self.jobsNamed { Output.printError("and \(count - Self.jobsNamed) more") }
        return count
    }
}

/// Shows how far the draining has come, and that a queue is paused.
struct DrainProgress: Service {
    /// Of a queue that stays paused it is said again after this time.
    private static let reminder: Duration = .seconds(60)

    let drain: Drain

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var bar = ProgressBar(total: nil, waitsForNobody: true)
            defer { bar.finish() }
            var toldOfPause: [QueueName: ContinuousClock.Instant] = [:]
            do {
                let start = Counts(try await queues())
                while !Task.isCancelled {
                    try await Task.sleep(for: .milliseconds(200))
                    let queues = try await queues()
                    tellOfPause(queues, &toldOfPause)
                    let now = Counts(queues)
                    // Kept counts, which another program may have made absurd.
                    let (done, buried) = (now.done &- start.done, max(0, now.buried &- start.buried))
                    bar.update(
                        done &+ buried, of: done &+ buried &+ now.left,
                        "\(done) done, \(buried) buried, \(now.left) left")
                }
            } catch {
                // Cancelled, or the store cannot be read: the worker says so itself.
                return
            }
        }
    }

    /// Such a queue holds the drain up, for as long as somebody likes.
    private func tellOfPause(_ queues: [QueueStats], _ told: inout [QueueName: ContinuousClock.Instant]) {
        let hints = QueueHints(queues: drain.queues, known: queues, database: drain.database)
        for queue in queues {
            guard queue.paused, queue.ready &+ queue.delayed > 0 else {
                told[queue.name] = nil
                continue
            }
            if let last = told[queue.name], ContinuousClock.now - last < Self.reminder { continue }
            told[queue.name] = .now
            Output.printError("the drain waits: \(hints.paused(queue))")
        }
    }

    private func queues() async throws -> [QueueStats] {
        try await drain.queue.store.stats().filter { drain.queues.contains($0.name) }
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
