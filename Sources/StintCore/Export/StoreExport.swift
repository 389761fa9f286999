/// Reads a store as the lines of an export: its queues with their groups, its jobs in the order of their ids, then its
/// schedules and webhooks. What changes meanwhile may be in it or not, and each job is in it once at most.
package struct StoreExport {
    private let store: any JobStore
    private let queues: [QueueName]?
    private let hasSecrets: Bool
    private let version: String

    /// The most groups of a queue whose weights are read.
    package static let maximumGroups = 100_000

    package struct Report: Sendable {
        package var counts = ExportCounts()
        /// What could not be exported, in sentences.
        package var omissions: [String] = []
    }

    /// - Parameters:
    ///   - queues: Only of these; then webhooks are left out. `nil`: all.
    ///   - hasSecrets: Whether the secrets of webhooks are written.
    ///   - version: That of the program.
    package init(_ store: any JobStore, queues: [QueueName]?, hasSecrets: Bool, version: String) {
        self.store = store
        self.queues = queues
        self.hasSecrets = hasSecrets
        self.version = version
    }

    /// - Throws: `notFound` if one of the queues does not exist; nothing was written then.
    package func run(_ write: (ExportLine) async throws -> Void) async throws -> Report {
        var report = Report()
        let details = try await details()
        try await write(.header(ExportLine.Header(version: version)))
        try await writeQueues(details, write, &report)
        try await writeJobs(write, &report)
        try await writeSchedules(write, &report)
        if queues == nil { try await writeWebhooks(write, &report) }
        try await write(.end(report.counts))
        return report
    }

    /// All but the jobs.
    package func runWithoutJobs(_ write: (ExportLine) async throws -> Void) async throws -> Report {
        var report = Report()
        try await writeQueues(try await details(), write, &report)
        try await writeSchedules(write, &report)
        try await writeWebhooks(write, &report)
        return report
    }

    private func details() async throws -> [QueueDetails] {
        var details: [QueueDetails] = []
        for name in try await names() {
            if let queue = try await store.queue(name) { details.append(queue) }
        }
        return details
    }

    private func writeQueues(
        _ queues: [QueueDetails], _ write: (ExportLine) async throws -> Void, _ report: inout Report
    ) async throws {
        for queue in queues { try await write(.queue(ExportedQueue(queue))) }
        for queue in queues where queue.groups > 0 { try await writeGroups(of: queue, write, &report) }
    }

    private func names() async throws -> [QueueName] {
        let all = try await store.stats().map(\.name)
        guard let queues else { return all }
        let known = Set(all)
        if let missing = queues.first(where: { !known.contains($0) }) { throw StintError.noQueue(missing) }
        return Set(queues).sorted()
    }

    private func writeGroups(
        of queue: QueueDetails, _ write: (ExportLine) async throws -> Void, _ report: inout Report
    ) async throws {
        let name = queue.stats.name
        for group in try await store.groups(of: name, limit: Self.maximumGroups) {
            guard group.weight != 1, let groupName = group.name else { continue }
            try await write(.group(ExportedGroup(queue: name, name: groupName, weight: group.weight)))
        }
        if queue.groups > Self.maximumGroups {
            report.omissions.append(
                "the weights of some groups of queue \(quoted(name.description)) were left out: it has \(queue.groups) groups, and "
                    + "\(Self.maximumGroups) are read; set theirs with stint group set")
        }
    }

    private func writeJobs(_ write: (ExportLine) async throws -> Void, _ report: inout Report) async throws {
        var last: JobID?
        repeat {
            let page = try await store.exportJobs(of: queues, after: last, limit: StoredJob.maximumCount)
            for job in page.jobs {
                try await write(.job(job))
                report.counts.add(job.record)
            }
            last = page.next
        } while last != nil
    }

    private func writeSchedules(_ write: (ExportLine) async throws -> Void, _ report: inout Report) async throws {
        for record in try await store.schedules() where queues?.contains(record.queue) ?? true {
            guard let details = try await store.schedule(record.name) else { continue }
            if let problem = details.record.problem {
                report.omissions.append(
                    "the schedule \(quoted(record.name)) was left out, since it cannot tick: \(problem)")
                continue
            }
            try await write(.schedule(ExportedSchedule(details.record, payload: details.payload)))
        }
    }

    private func writeWebhooks(_ write: (ExportLine) async throws -> Void, _ report: inout Report) async throws {
        for record in try await store.webhooks() {
            if let problem = record.problem {
                report.omissions.append("the webhook \(quoted(record.name)) was left out: \(problem)")
                continue
            }
            let secret = hasSecrets ? try await store.webhook(record.name)?.secret : nil
            try await write(.webhook(ExportedWebhook(record, secret: secret)))
        }
    }
}
