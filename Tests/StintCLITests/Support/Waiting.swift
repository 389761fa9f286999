/// Checks repeatedly until `condition` holds: the only way in which these tests wait for another process.
///
/// - Throws: ``TooLate`` after `limit`, which is generous, for a busy machine.
func eventually(
    _ what: String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw TooLate(what: what, limit: limit) }
        try await Task.sleep(for: .milliseconds(5))
    }
}

struct TooLate: Error, CustomStringConvertible {
    let what: String
    let limit: Duration

    var description: String { "after \(limit) still not: \(what)" }
}

/// A shell loop that waits for a file in the test's folder. It ends with the folder, and after a minute, so that no
/// failed test leaves a process behind.
func untilThere(_ file: String) -> String {
    "tries=0; until [ -e \(file) ] || [ ! -e . ] || [ $((tries += 1)) -gt 6000 ]; do sleep 0.01; done"
}
