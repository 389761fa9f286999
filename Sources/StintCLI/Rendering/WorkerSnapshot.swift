import StintCore

/// A registered worker as this process sees it at one moment.
struct WorkerSnapshot: Sendable {
    let record: WorkerRecord
    let existence: ProcessIdentity.Existence
    /// In bytes; `nil` if it cannot be seen from here.
    let residentMemory: Int64?
    private let now: ClockReading

    init(_ record: WorkerRecord, now: ClockReading) {
        self.init(
            record, existence: record.registration.process.existence(),
            residentMemory: record.registration.process.residentMemory, now: now)
    }

    init(_ record: WorkerRecord, existence: ProcessIdentity.Existence, residentMemory: Int64?, now: ClockReading) {
        self.record = record
        self.existence = existence
        self.residentMemory = residentMemory
        self.now = now
    }

    /// How long a job has run, in milliseconds; `nil` if its start was read from another clock: that of another boot or
    /// time namespace.
    func age(of job: StartedJob) -> Int64? {
        let process = record.registration.process
        guard process.boot != "unknown", process.boot == now.boot,
            Self.timeNamespace(of: process) == Self.timeNamespace(of: .current)
        else { return nil }
        return Format.milliseconds(from: job.startedAt, to: now.monotonic)
    }

    private static func timeNamespace(of process: ProcessIdentity) -> Substring? {
        process.namespaces.split(separator: " ").first { $0.hasPrefix("time:") }
    }

    /// Its supervisor's process id; `-` if it has none. A `?` means that the process cannot be seen from here, as on
    /// another machine or in another container.
    var supervisor: String {
        guard let supervisor = record.registration.supervisor else { return "-" }
        return switch supervisor.existence() {
        case .exists: "\(supervisor.processID)"
        case .gone: "\(supervisor.processID) gone"
        case .unknown: "\(supervisor.processID)?"
        }
    }

    /// How long it is registered, by the wall clock, in milliseconds.
    var age: Int64 { Format.milliseconds(from: record.registeredAtMilliseconds, to: now.wall) }

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
        started.sorted { ($0.startedAt, $0.lease.job) < ($1.startedAt, $1.lease.job) }
    }

    /// Safe for a terminal, like ``queues``: another program may have written them.
    var name: String { oneLine(record.registration.name, limit: 60) }

    var queues: String {
        oneLine(record.registration.queues.map(\.description).joined(separator: ", "), limit: 60)
    }
}
