/// A worker as the store knows it.
public struct WorkerRecord: Sendable, Hashable {
    public let id: WorkerID
    public let registration: WorkerRegistration
    public let registeredAt: Timestamp
    /// What it has started and not ended; `nil` where that cannot be told.
    public let started: [StartedJob]?
    public let liveness: Liveness
    /// Of its supervisor; `nil`: it has none.
    public let supervisorLiveness: Liveness?
    /// Somebody has ordered it to stop.
    public let isToldToStop: Bool

    public init(
        id: WorkerID, registration: WorkerRegistration, registeredAt: Timestamp, started: [StartedJob]?,
        liveness: Liveness = .unknown, supervisorLiveness: Liveness? = nil, isToldToStop: Bool = false
    ) {
        self.id = id
        self.registration = registration
        self.registeredAt = registeredAt
        self.started = started
        self.liveness = liveness
        self.supervisorLiveness = supervisorLiveness
        self.isToldToStop = isToldToStop
    }
}
