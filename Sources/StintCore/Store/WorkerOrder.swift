/// What a person has ordered one worker to do. Without an order it works.
public enum WorkerOrder: String, Sendable, Hashable, Codable, CaseIterable {
    /// It finishes the jobs that it runs, gives back those that it has not started, and claims no more. It stays
    /// registered.
    case quiet
    /// It ends in an orderly way, within its grace period. A supervisor does not replace it.
    case stop
    /// As ``stop``, and its supervisor starts another one in its place.
    case restart

    /// Checks, for a store, whether the worker can follow it.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public func check(_ worker: WorkerID, hasSupervisor: Bool) throws {
        guard self == .restart, !hasSupervisor else { return }
        throw StintError.invalidInput(
            "worker \(worker) has no supervisor that would start another one: order it to stop, and start one yourself")
    }
}

extension StintError {
    /// No worker is registered with this id.
    public static func noWorker(_ id: WorkerID) -> StintError {
        StintError(.notFound, "there is no worker \(id): it has ended, or never was")
    }
}
