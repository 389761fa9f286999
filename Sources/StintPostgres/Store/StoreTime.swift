import StintCore

/// The store's time, as a transaction has read it from the server.
struct StoreTime: Sendable, Hashable {
    /// Milliseconds since 1970 UTC.
    let wall: Timestamp
    /// Milliseconds by a clock that does not follow when the server's is set: deadlines of leases and rates.
    let steady: Int64
}
