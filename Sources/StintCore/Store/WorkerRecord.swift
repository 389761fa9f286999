#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A worker, according to the store.
public struct WorkerRecord: Sendable, Hashable {
    public let id: WorkerID
    public let registration: WorkerRegistration
    public var registeredAt: Date { Date(registeredAtMilliseconds) }
    package let registeredAtMilliseconds: Timestamp
    /// The jobs that it has started and not ended; `nil` if they are unknown.
    public let started: [StartedJob]?
    public let liveness: Liveness
    /// Whether the machine or the container in which it runs goes on. If its process is dead and this is alive, its
    /// process died alone. A store that cannot tell says `unknown`.
    public let hostLiveness: Liveness
    /// Its supervisor's liveness; `nil` if it has none.
    public let supervisorLiveness: Liveness?
    /// Whether it was ordered to stop.
    public let hasOrderToStop: Bool
    /// What a person has ordered it to do; `nil`: to work.
    public let order: WorkerOrder?

    public init(
        id: WorkerID, registration: WorkerRegistration, registeredAt: Timestamp, started: [StartedJob]?,
        liveness: Liveness = .unknown, hostLiveness: Liveness = .unknown, supervisorLiveness: Liveness? = nil,
        hasOrderToStop: Bool = false, order: WorkerOrder? = nil
    ) {
        self.id = id
        self.registration = registration
        registeredAtMilliseconds = registeredAt
        self.started = started
        self.liveness = liveness
        self.hostLiveness = hostLiveness
        self.supervisorLiveness = supervisorLiveness
        self.hasOrderToStop = hasOrderToStop
        self.order = order
    }
}
