import Foundation

/// A folder for one run; it stays if something broke.
package struct TortureFolder: Sendable {
    package let path: String

    /// - Parameter inMemory: Whether to use memory, if the system has a place for that: what dies with its process
    ///   needs no disk.
    package init(inMemory: Bool = false) throws {
        let place = inMemory && access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm/" : NSTemporaryDirectory()
        path = place + "stint-torture-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    package func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("the folder \(path) stays behind: \(error)")
        }
    }
}
