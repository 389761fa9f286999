import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func workersPage(_ request: WebRequest) async throws -> Page {
        let workers = try await request.dashboard.queue.workers().map(WorkerFacts.init)
        let now = Date()
        struct View {
            let base: String
            let workers: [WorkerRow]
            let hasWorkers: Bool
            let canAdminister: Bool
            let command: String
        }
        let base = request.dashboard.options.basePath
        return Page(
            title: "Workers", section: "workers", template: "workers",
            view: View(
                base: base, workers: workers.map { WorkerRow($0, base, now: now) }, hasWorkers: !workers.isEmpty,
                canAdminister: request.user.role >= .admin, command: request.command("restart-workers")),
            facts: ["workers": workers], isLive: true, notice: Notices.text(request))
    }

    static func restartWorkers(_ request: WebRequest, _ form: Form) async throws -> String {
        try await request.dashboard.queue.restartWorkers()
        return "/workers?done=restart"
    }
}

struct WorkerFacts: Encodable, Sendable {
    struct Job: Encodable, Sendable {
        let id: Int64
        let runMilliseconds: Int64?
    }

    let id: Int64
    let name: String
    let supervisor: String?
    let queues: [String]
    let concurrency: Int
    let registeredAt: Date
    let liveness: Liveness
    let isStopping: Bool
    /// `nil`: its process cannot be seen from here.
    let memoryBytes: Int64?
    /// `nil`: not known.
    let jobs: [Job]?

    init(_ record: WorkerRecord) {
        id = record.id.rawValue
        name = record.registration.name
        supervisor = record.registration.supervisor?.name
        queues = record.registration.queues.map(\.description)
        concurrency = record.registration.concurrency
        registeredAt = record.registeredAt
        liveness = record.liveness
        isStopping = record.hasOrderToStop
        memoryBytes = ProcessIdentity(record.registration.process)?.residentMemory
        jobs = record.started?.sorted { ($1.runTime ?? .zero, $0.lease.job) < ($0.runTime ?? .zero, $1.lease.job) }
            .map { Job(id: $0.lease.job.rawValue, runMilliseconds: $0.runTime?.milliseconds) }
    }
}

/// A worker in a table.
struct WorkerRow {
    struct Job {
        let id: Int64
        let href: String
        let runs: String?
    }

    let key: String
    let name: String
    let supervisor: String?
    let queues: String
    let life: String
    let isDead: Bool
    let since: TimeView
    let memory: String?
    let jobs: [Job]
    let more: String?
    let isIdle: Bool

    init(_ facts: WorkerFacts, _ base: String, now: Date) {
        key = "worker:\(facts.id)"
        name = facts.name
        supervisor = facts.supervisor
        queues = facts.queues.joined(separator: ", ")
        let lives: String =
            switch facts.liveness {
            case .alive: "alive"
            case .dead: "dead"
            case .unknown: "not visible from here"
            }
        life = facts.isStopping && facts.liveness != .dead ? "stopping" : lives
        isDead = facts.liveness == .dead
        since = TimeView(facts.registeredAt, now: now)
        memory = Words.bytes(facts.memoryBytes)
        let started = facts.jobs ?? []
        jobs = started.prefix(5).map {
            Job(
                id: $0.id, href: "\(base)/jobs/\($0.id)",
                runs: $0.runMilliseconds.map { Words.duration(.milliseconds($0)) })
        }
        more = started.count > 5 ? "and \(started.count - 5) more" : nil
        isIdle = started.isEmpty && facts.jobs != nil
    }
}
