import Stint
import StintCore

/// Waits for what another process brings about.
///
/// - Parameter what: For the error, after "waited 30 s for".
func wait(
    for what: String, every interval: Duration = .milliseconds(1), until isSo: () async throws -> Bool
) async throws {
    let deadline = MonotonicClock.nanoseconds() + 30_000_000_000
    while try await !isSo() {
        guard MonotonicClock.nanoseconds() < deadline else { throw BenchError("waited 30 s for \(what)") }
        try await Task.sleep(for: interval)
    }
}
