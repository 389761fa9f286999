import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func overviewPage(_ request: WebRequest) async throws -> Page {
        let queue = request.dashboard.queue
        let stats = try await queue.stats()
        let workers = try await queue.workers()
        let deaths = try await queue.deaths(limit: 8)
        let activity = try await request.activity(of: stats)
        let facts = OverviewFacts(
            queues: stats.map { ActiveQueue($0, activity[$0.name]) }, workers: workers.map(WorkerFacts.init),
            deaths: deaths.map(DeathFacts.init))
        return Page(
            title: "Overview", section: "overview", template: "overview",
            view: OverviewView(facts, stats, activity, request, now: Date()), facts: facts, isLive: true)
    }
}

struct OverviewFacts: Encodable, Sendable {
    let queues: [ActiveQueue]
    let workers: [WorkerFacts]
    let deaths: [DeathFacts]
}

/// A queue's counts, and what happened in it.
struct ActiveQueue: Encodable, Sendable {
    let stats: QueueStats
    let oldestReadyMilliseconds: Int64?
    /// In each minute of the last hour, the latest last; that one is not over.
    let enqueuedByMinute: [Int]
    let doneByMinute: [Int]

    init(_ stats: QueueStats, _ activity: QueueActivity?) {
        self.stats = stats
        oldestReadyMilliseconds = activity?.oldestReady?.milliseconds
        enqueuedByMinute = activity?.series(\.enqueued) ?? []
        doneByMinute = activity?.series(\.done) ?? []
    }
}

extension WebRequest {
    /// What happened in the last hour in the queues of a page; of very many, in the first ones.
    func activity(of queues: [QueueStats]) async throws -> [QueueName: QueueActivity] {
        let names = queues.prefix(500).map(\.name)
        let activity = try await dashboard.queue.activity(of: names, last: .seconds(3_600))
        return Dictionary(activity.map { ($0.queue, $0) }, uniquingKeysWith: { $1 })
    }
}

struct DeathFacts: Encodable, Sendable {
    let job: Int64
    let queue: String
    let attempt: Int
    let at: Date
    let worker: String?
    let error: String
    let signal: String?
    let exitCode: Int32?
    let peakMemoryBytes: Int64?

    init(_ failed: FailedJob) {
        job = failed.job.rawValue
        queue = failed.queue.description
        attempt = failed.failure.attempt
        at = failed.failure.at
        worker = failed.failure.worker
        error = failed.failure.error
        signal = failed.failure.diagnostics?.signal
        exitCode = failed.failure.diagnostics?.exitCode
        peakMemoryBytes = failed.failure.diagnostics?.peakMemoryBytes
    }
}

private struct OverviewView {
    struct Total {
        let key: String
        let name: String
        let state: StateView
        let count: String
        let href: String
    }

    struct Death {
        let job: Int64
        let href: String
        let queue: String
        let at: TimeView
        let error: String
        let memory: String?
    }

    let base: String
    let totals: [Total]
    let queues: [QueueRow]
    let hasQueues: Bool
    let workers: [WorkerRow]
    let hasWorkers: Bool
    let workerCount: String
    let deaths: [Death]
    let hasDeaths: Bool

    init(
        _ facts: OverviewFacts, _ stats: [QueueStats], _ activity: [QueueName: QueueActivity], _ request: WebRequest,
        now: Date
    ) {
        base = request.dashboard.options.basePath
        let base = base
        totals = [JobState.ready, .delayed, .leased, .buried].map { state in
            let sum = stats.reduce(0) { $0 &+ $1.count(of: state) }
            return Total(
                key: "total:\(state.rawValue)", name: StateView(state).name, state: StateView(state),
                count: Words.count(sum),
                href: "\(base)/jobs?q=state:\(state.rawValue)")
        }
        queues = stats.map { QueueRow($0, base, activity[$0.name]) }
        hasQueues = !queues.isEmpty
        workers = facts.workers.prefix(50).map { WorkerRow($0, base, now: now) }
        hasWorkers = !workers.isEmpty
        workerCount = Words.count(facts.workers.count)
        deaths = facts.deaths.map {
            Death(
                job: $0.job, href: "\(base)/jobs/\($0.job)", queue: $0.queue, at: TimeView($0.at, now: now),
                error: $0.error,
                memory: Words.bytes($0.peakMemoryBytes))
        }
        hasDeaths = !deaths.isEmpty
    }
}
