import StintCore

/// Decides whether a call is worth repeating after an error that left nothing changed, and waits before it.
struct Repetition {
    /// Enough for the conflicts of many processes; then the caller is told.
    static let limit = 10
    /// Each loss of a connection may have taken as long as a server's limits are.
    static let lossLimit = 3
    private var losses = 0
    private var delays = BackoffCounter(Backoff(first: .milliseconds(4), longest: .milliseconds(250), jitter: .half))

    init() {}

    /// - Returns: Whether to repeat it now.
    mutating func isWorthwhile(after error: any Error) async -> Bool {
        guard Self.isTemporary(error), delays.failures < Self.limit, !Task.isCancelled else { return false }
        if error is LostConnection {
            losses += 1
            guard losses <= Self.lossLimit else { return false }
        }
        do { try await Task.sleep(for: delays.next()) } catch { return false }
        return true
    }

    static func isTemporary(_ error: any Error) -> Bool {
        switch error {
        case let error as LostConnection: !error.mayHaveCommitted
        case let error as PostgresError:
            switch error.sqlState {
            // A serialization failure and a deadlock; the end of a connection before the commit; a prepared statement
            // that is gone or whose tables were changed.
            case "40001", "40P01", "57P01", "57P02", "26000": true
            case "0A000": error.function == "RevalidateCachedQuery"
            default: false
            }
        default: false
        }
    }
}
