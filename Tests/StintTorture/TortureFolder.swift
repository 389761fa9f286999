import Foundation

/// A folder for one run; it stays where something broke.
struct TortureFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "stint-torture-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("the folder \(path) stays behind: \(error)")
        }
    }
}
