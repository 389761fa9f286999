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
    /// Its supervisor's liveness; `nil` if it has none.
    public let supervisorLiveness: Liveness?
    /// Whether it was ordered to stop.
    public let hasOrderToStop: Bool

    public init(
        id: WorkerID, registration: WorkerRegistration, registeredAt: Timestamp, started: [StartedJob]?,
        liveness: Liveness = .unknown, supervisorLiveness: Liveness? = nil, hasOrderToStop: Bool = false
    ) {
        self.id = id
        self.registration = registration
        registeredAtMilliseconds = registeredAt
        self.started = started
        self.liveness = liveness
        self.supervisorLiveness = supervisorLiveness
        self.hasOrderToStop = hasOrderToStop
    }
}
