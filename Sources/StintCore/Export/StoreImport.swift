/// Adds what an export has to a store, in transactions of a bounded size. If it is broken off, it can be repeated from the
/// beginning.
package struct StoreImport {
    private let store: any JobStore
    private var batch: [StoredJob] = []
    private var batchBytes = 0

    package private(set) var jobs = ImportedJobs()
    /// Of webhooks whose secrets the export does not have: those that are new here.
    package private(set) var webhooksWithNewSecret: [String] = []

    package init(into store: any JobStore) {
        self.store = store
    }

    package mutating func take(_ line: ExportLine) async throws {
        switch line {
        case .header: break
        case .job(let job):
            batch.append(job)
            batchBytes += job.body.byteCount
            if batch.count >= StoredJob.maximumCount || batchBytes >= StoredJob.maximumBytes { try await flush() }
        case .queue(let queue): try await store.configure(queue.name, queue.settings)
        case .group(let group): try await store.setWeight(group.weight, ofGroup: group.name, in: group.queue)
        case .schedule(let schedule):
            try await flush()
            _ = try await store.setSchedule(try schedule.schedule())
            if schedule.paused { try await store.changeSchedule(schedule.name, .pause) }
        case .webhook(let webhook):
            try await flush()
            let setting = try await store.setWebhook(try webhook.webhook(), keepsSecret: webhook.secret == nil)
            if setting == .added, webhook.secret == nil { webhooksWithNewSecret.append(webhook.name) }
        case .end: try await flush()
        }
    }

    /// Adds the jobs that were taken and are not added yet.
    package mutating func flush() async throws {
        guard !batch.isEmpty else { return }
        jobs += try await store.importJobs(batch)
        (batch, batchBytes) = ([], 0)
    }
}
