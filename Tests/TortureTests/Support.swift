import Foundation
import StintPlatform
import Subprocess
import TestSupport
import Testing

/// Tests/StintTorture, which the package manager puts beside the tests.
let stintTorture = (Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".") + "/stint-torture"

typealias TemporaryFolder = TestSupport.TemporaryFolder

/// Runs `stint-torture` to its end, which must be a success unless another end is expected, and returns what it
/// printed.
@discardableResult
func torture(_ arguments: String..., endingWith code: Int32 = 0) async throws -> String {
    let result = try await Subprocess.run(
        .path(FilePath(stintTorture)), arguments: Arguments(arguments), output: .string(limit: 1 << 24),
        error: .string(limit: 1 << 24))
    #expect(
        result.terminationStatus == .exited(code),
        "stint-torture \(arguments.joined(separator: " "))\n\(result.standardOutput)\n\(result.standardError)")
    return result.standardOutput
}
