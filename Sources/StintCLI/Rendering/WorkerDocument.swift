import StintCore
import StintPlatform

/// A worker in `workers --json`.
struct WorkerDocument: Encodable {
    private struct Started: Encodable {
        let job: JobID
        let token: FencingToken
        let ageMilliseconds: Int64?
    }

    private let id: WorkerID
    private let name: String
    private let process: ProcessIdentity?
    private let supervisor: ProcessIdentity?
    private let writesThroughSupervisor: Bool
    private let queues: [String]
    private let concurrency: Int
    private let registeredAt: Timestamp
    private let started: [Started]?
    private let existence: String
    private let residentMemoryBytes: Int64?
    private let order: WorkerOrder?

    init(_ worker: WorkerSnapshot) {
        let registration = worker.record.registration
        id = worker.record.id
        name = registration.name
        process = ProcessIdentity(registration.process)
        supervisor = registration.supervisor.flatMap { ProcessIdentity($0) }
        writesThroughSupervisor = registration.writesThroughSupervisor
        queues = registration.queues.map(\.description)
        concurrency = registration.concurrency
        registeredAt = worker.record.registeredAtMilliseconds
        started = worker.record.started?.map {
            Started(job: $0.lease.job, token: $0.lease.token, ageMilliseconds: $0.runTime?.milliseconds)
        }
        existence =
            switch worker.record.liveness {
            case .alive: "exists"
            case .dead: "gone"
            case .unknown: "unknown"
            }
        residentMemoryBytes = worker.residentMemory
        order = worker.record.order
    }
}
