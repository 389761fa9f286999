import Foundation
import StintPlatform
import Subprocess
import Testing

/// Tests/StintTorture, which the package manager puts beside the tests.
let stintTorture = (Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".") + "/stint-torture"

/// A folder that exists for one test.
struct TemporaryFolder: ~Copyable {
    let path: String

    /// - Parameter inMemory: Whether to use memory, if the system has a place for that; for what needs no disk.
    init(inMemory: Bool = false) throws {
        let place = inMemory && access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm/" : NSTemporaryDirectory()
        path = place + "stint-torture-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("the folder \(path) stays behind: \(error)")
        }
    }

    var database: String { path + "/stint.db" }
}

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
