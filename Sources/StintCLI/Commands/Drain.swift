import Foundation
import StintCore

/// `stint work --drain`: its progress, what delays it, and what was buried meanwhile.
struct Drain {
    /// How many of the buried jobs are named with their reasons.
    private static let jobsNamed = 5

    let queue: JobQueue<AnyJobStore>
    /// The queues to drain, without duplicates.
    let queues: [QueueName]
    let database: DatabaseOptions
    /// When it began, by the wall clock.
    let start: Timestamp

    /// Reports all jobs that were buried since it began.
    ///
    /// - Returns: Their number.
    func reportBuried() async throws -> Int {
        var buried: [(queue: QueueName, jobs: [JobID])] = []
        for name in queues {
            let selection = JobSelection(name, states: [.buried], buriedSince: Date(start))
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
            let reason = try await queue.job(id)?.record.reason ?? "it is gone again"
            Output.printError(
                "job \(id) in queue \(quoted(name.description)) was buried: \(oneLine(reason, limit: 300))")
        }
        if count > Self.jobsNamed { Output.printError("and \(count - Self.jobsNamed) more") }
        return count
    }
}
