import StintCore

/// A point of a store's time, read from two clocks at once: one that people set, and one that never jumps.
struct StoreTime: Hashable, Sendable {
    var wall: Timestamp
    /// In milliseconds.
    var monotonic: Int64
}

extension Duration {
    /// See ``StintCore/StoredTime/milliseconds(_:)``.
    var wholeMilliseconds: Int64 { StoredTime.milliseconds(self) }
}
