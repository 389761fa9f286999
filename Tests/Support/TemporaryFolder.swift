import Foundation
import StintPlatform

/// A folder that exists for one test.
package struct TemporaryFolder: ~Copyable {
    package let path: String

    /// - Parameter inMemory: Whether to use memory, if the system has a place for that; for what needs no disk.
    package init(inMemory: Bool = false) throws {
        let place = inMemory && access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm/" : NSTemporaryDirectory()
        // Short, as the path of a Unix socket must be.
        path = place + "stint-test-" + String(UInt64.random(in: .min ... .max), radix: 36)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("the folder \(path) stays behind: \(error)")
        }
    }

    package var database: String { path + "/stint.db" }
}
