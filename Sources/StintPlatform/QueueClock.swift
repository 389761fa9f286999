/// The clocks of a machine, as a store on one machine reads them. Tests use clocks that they move.
package protocol QueueClock: Sendable {
    func now() -> ClockReading
}
