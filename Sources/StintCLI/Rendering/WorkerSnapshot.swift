import StintCore
import StintPlatform

/// A registered worker as the store and this process see it at one moment.
struct WorkerSnapshot: Sendable {
    let record: WorkerRecord
    /// In bytes; `nil` if it cannot be seen from here.
    let residentMemory: Int64?
    /// By the wall clock.
    private let now: Timestamp

    init(_ record: WorkerRecord, now: Timestamp = wallClock()) {
        self.init(record, residentMemory: ProcessIdentity(record.registration.process)?.residentMemory, now: now)
    }

    init(_ record: WorkerRecord, residentMemory: Int64?, now: Timestamp) {
        self.record = record
        self.residentMemory = residentMemory
        self.now = now
    }

    /// Its supervisor's process id; `-` if it has none. A `?` means that the process cannot be seen from here, as on
    /// another machine or in another container.
    var supervisor: String {
        guard let supervisor = record.registration.supervisor else { return "-" }
        let name = ProcessIdentity(supervisor).map { "\($0.processID)" } ?? oneLine(supervisor.name, limit: 60)
        return switch record.supervisorLiveness {
        case .alive: name
        case .dead: "\(name) gone"
        case .unknown, nil: "\(name)?"
        }
    }

    /// Who writes its claims and settlements.
    var writer: String { record.registration.writesThroughSupervisor ? "supervisor" : "itself" }

    /// How long it is registered, by the wall clock, in milliseconds.
    var age: Int64 { Format.milliseconds(from: record.registeredAtMilliseconds, to: now) }

    /// `42, 43 +5`, the longest running first; `?` if unknown.
    func running(atMost limit: Int) -> String {
        guard let started = record.started else { return "?" }
        guard !started.isEmpty else { return "-" }
        let shown = byAge(started).prefix(limit).map(\.lease.job.description).joined(separator: ", ")
        return started.count > limit ? "\(shown) +\(started.count - limit)" : shown
    }

    /// The job that it started first; `nil` if there is none or it is unknown.
    var longestRunning: StartedJob? { byAge(record.started ?? []).first }

    private func byAge(_ started: [StartedJob]) -> [StartedJob] {
        started.sorted { ($1.runTime ?? .zero, $0.lease.job) < ($0.runTime ?? .zero, $1.lease.job) }
    }

    /// Safe for a terminal, like ``queues``: another program may have written them.
    var name: String { oneLine(record.registration.name, limit: 60) }

    var queues: String {
        oneLine(record.registration.queues.map(\.description).joined(separator: ", "), limit: 60)
    }
}
