import Stint
import StintCore

/// Files with jobs that are in groups.
struct FlowFiles {
    let backlog: Backlog
    let jobs: Int
    /// How many jobs of a group come one after the other.
    let together: Int

    /// A fresh copy of the side's file, and the number of all its jobs.
    func file(_ side: FlowSide) async throws -> (path: String, jobs: Int) {
        let path = try await backlog.file("flow-\(side.name)") { try await fill($0, side) }
        return (path, side.groupsBeside == nil ? jobs : 2 * jobs)
    }

    private func fill(_ path: String, _ side: FlowSide) async throws {
        let queue = try await JobQueue(.sqlite(path, durability: .normal))
        try await fill(StintWorkload.queue, side.groups, queue)
        if let groups = side.groupsBeside { try await fill("beside", groups, queue) }
        if side.settings.changesLimits { try await queue.store.configure(StintWorkload.queue, side.settings) }
        await queue.close()
    }

    private func fill(_ name: QueueName, _ groups: Int, _ queue: JobQueue<SQLiteStore>) async throws {
        for start in stride(from: 0, to: jobs, by: 1_000) {
            let batch = try (start..<min(start + 1_000, jobs)).map { number in
                let group = groups == 0 ? nil : "tenant-\(number / together % groups)"
                return try NewJob(Backlog.payload, in: name, options: JobOptions(group: group))
            }
            try await queue.enqueue(jobs: batch)
        }
    }
}

/// A queue with groups and limits, or without.
struct FlowSide {
    let name: String
    let title: String
    /// 0: its jobs have none.
    var groups = 0
    var settings = QueueSettings()
    /// The groups of another queue in the file, with as many jobs; `nil`: there is none.
    var groupsBeside: Int?
    /// How many of a batch's jobs can be started at once; `nil`: all. Of a queue with limits no more are claimed.
    var idleSlots: Int? = 1
    /// The least share of the throughput without groups.
    var expected: Double?

    /// The first is what the others are compared with.
    static func all(groups: Int) -> [FlowSide] {
        let inGroups = "\(count(groups, "group"))"
        return [
            FlowSide(name: "none", title: "no groups"),
            FlowSide(
                name: "beside", title: "no groups, beside a queue with them", groupsBeside: groups, expected: 0.97),
            FlowSide(name: "fair", title: "\(inGroups), fair", groups: groups, expected: 0.8),
            FlowSide(
                name: "two", title: "\(inGroups), group-concurrency 2", groups: groups,
                settings: QueueSettings(groupConcurrency: .to(2)), idleSlots: nil, expected: 0.75),
            FlowSide(
                name: "eight", title: "\(inGroups), group-concurrency 8", groups: groups,
                settings: QueueSettings(groupConcurrency: .to(8)), idleSlots: nil, expected: 0.75),
            FlowSide(
                name: "one", title: "\(inGroups), group-concurrency 1, loose", groups: groups,
                settings: QueueSettings(groupConcurrency: .to(1), groupOrder: .loose), idleSlots: nil,
                expected: 0.75),
            FlowSide(name: "spread", title: "\(inGroups), fair, 64 start at once", groups: groups, idleSlots: nil),
            FlowSide(
                name: "unfair", title: "\(inGroups), fair off", groups: groups,
                settings: QueueSettings(isFair: false)),
        ]
    }
}
