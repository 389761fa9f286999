import StintCore

extension QueueStats {
    /// `paused: the provider is down`, safe for a terminal; `nil` if it is not paused.
    var pauseText: String? {
        guard paused else { return nil }
        return "paused" + (pauseReason.map { ": \(oneLine($0, limit: 60))" } ?? "")
    }
}
