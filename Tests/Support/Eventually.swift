/// Checks repeatedly until `condition` holds: the only way in which tests wait for another process or thread that does
/// not notify them.
///
/// - Parameters:
///   - what: What is waited for, for the error.
///   - limit: Generous, for a busy machine.
/// - Throws: ``TooLate`` after `limit`.
package func eventually(
    _ what: String, within limit: Duration = .seconds(60), every interval: Duration = .milliseconds(2),
    file: StaticString = #fileID, line: UInt = #line, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw TooLate(description: "\(file):\(line): after \(limit) still not: \(what)")
        }
        try await Task.sleep(for: interval)
    }
}

/// What was waited for did not happen in time.
package struct TooLate: Error, CustomStringConvertible {
    package let description: String
}
