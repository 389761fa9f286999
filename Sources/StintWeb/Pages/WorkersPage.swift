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
                base: base,
                workers: workers.map { WorkerRow($0, base, now: now, canOrder: request.user.role >= .admin) },
                hasWorkers: !workers.isEmpty,
                canAdminister: request.user.role >= .admin, command: request.command("restart-workers")),
            facts: ["workers": workers], isLive: true, notice: Notices.text(request))
    }

    /// One worker finishes its jobs and claims no more, ends, or is replaced.
    static func orderWorker(_ request: WebRequest, _ form: Form) async throws -> String {
        guard let id = Int64(request.parameter("id")) else {
            throw WebError(.notFound, "this is no number of a worker")
        }
        let order: WorkerOrder?
        switch try form.text("order") {
        case "work": order = nil
        case let text:
            guard let known = WorkerOrder(rawValue: text) else {
                throw WebError(.badRequest, "there is no such order; expected work, quiet, stop or restart")
            }
            order = known
        }
        try await request.dashboard.queue.order(order, to: WorkerID(rawValue: id))
        return "/workers?done=ordered"
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
    let writesThroughSupervisor: Bool
    let queues: [String]
    let concurrency: Int
    let registeredAt: Date
    let liveness: Liveness
    let isStopping: Bool
    let order: WorkerOrder?
    /// `nil`: its process cannot be seen from here.
    let memoryBytes: Int64?
    /// `nil`: not known.
    let jobs: [Job]?

    init(_ record: WorkerRecord) {
        id = record.id.rawValue
        name = record.registration.name
        supervisor = record.registration.supervisor?.name
        writesThroughSupervisor = record.registration.writesThroughSupervisor
        queues = record.registration.queues.map(\.description)
        concurrency = record.registration.concurrency
        registeredAt = record.registeredAt
        liveness = record.liveness
        isStopping = record.hasOrderToStop
        order = record.order
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

    struct Order {
        let value: String
        let title: String
    }

    let key: String
    let name: String
    let supervisor: String?
    /// Who writes its claims and settlements.
    let writer: String
    let queues: String
    let life: String
    let isDead: Bool
    let since: TimeView
    let memory: String?
    let jobs: [Job]
    let more: String?
    let isIdle: Bool
    /// What it may be ordered to do by who looks.
    let orders: [Order]
    let action: String

    init(_ facts: WorkerFacts, _ base: String, now: Date, canOrder: Bool = false) {
        key = "worker:\(facts.id)"
        name = facts.name
        supervisor = facts.supervisor
        writer = facts.writesThroughSupervisor ? "supervisor" : "itself"
        queues = facts.queues.joined(separator: ", ")
        let lives: String =
            switch facts.liveness {
            case .alive: "alive"
            case .dead: "dead"
            case .unknown: "not visible from here"
            }
        let ordered: String? =
            switch facts.order {
            case .quiet: "quiet: claims no more"
            case .stop, .restart: "stopping"
            case nil: facts.isStopping ? "stopping" : nil
            }
        life = facts.liveness == .dead ? lives : ordered ?? lives
        action = "\(base)/workers/\(facts.id)/orders"
        let all = [
            facts.order == .quiet ? Order(value: "work", title: "Work again") : Order(value: "quiet", title: "Quiet"),
            Order(value: "stop", title: "Stop"),
        ]
        let restart = facts.supervisor == nil ? [] : [Order(value: "restart", title: "Restart")]
        orders = canOrder && facts.liveness != .dead ? all + restart : []
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
