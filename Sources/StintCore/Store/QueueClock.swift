/// The clock of the queue, the workers and the reaper. Tests use one that they move.
public protocol QueueClock: Sendable {
    func now() -> ClockReading
}
