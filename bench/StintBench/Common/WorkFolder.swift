import Foundation

/// A folder for the files of one run.
struct WorkFolder {
    let url: URL

    /// - Parameter parent: A folder on the disk to measure; the system's folder for temporary files by default.
    init(in parent: String?) throws {
        let parent = parent.map { URL(fileURLWithPath: $0) } ?? FileManager.default.temporaryDirectory
        guard FileManager.default.fileExists(atPath: parent.path) else {
            throw BenchError("the folder \(parent.path) does not exist; make it, or name another with --directory")
        }
        url = parent.appendingPathComponent("stint-bench-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// A closing connection may remove files of its own meanwhile; then another try finds them removed.
    func remove() {
        for attempt in 1...10 {
            do { return try FileManager.default.removeItem(at: url) } catch {
                if attempt == 10 { say("the folder \(url.path) is left: \(error)") }
            }
        }
    }
}

/// Progress goes to standard error: standard output has only the tables.
func say(_ text: String) {
    FileHandle.standardError.write(Data("· \(text)\n".utf8))
}
