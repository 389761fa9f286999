import StintCore

/// The workers whose leases a reap ends. The scoreboard and the lock of each are read once in a transaction.
final class WorkersOfReap {
    private let all: [WorkerRecord]
    private let scoreboards: Scoreboards
    private var looked: [WorkerID: WorkerRecord] = [:]

    init(_ registrations: [WorkerRecord], _ scoreboards: Scoreboards) {
        all = registrations
        self.scoreboards = scoreboards
    }

    func worker(_ id: WorkerID) -> WorkerRecord? {
        if let known = looked[id] { return known }
        guard let record = all.first(where: { $0.id == id })?.read(from: scoreboards) else { return nil }
        looked[id] = record
        return record
    }

    func workers(of process: WorkerProcess) -> [WorkerRecord] {
        all.filter { $0.registration.process == process }.compactMap { worker($0.id) }
    }
}
