import Foundation

/// The seeds of the batches that producers are about to enqueue, a file for each: one that is killed leaves its file to
/// others.
struct Outbox {
    private let folder: String
    private let prefix: String
    private let process: String

    init(beside history: String, of process: String) {
        let path = URL(filePath: history)
        folder = path.deletingLastPathComponent().path
        prefix = path.lastPathComponent + "-outbox-"
        self.process = process
    }

    /// Before the batch is enqueued.
    func write(_ seed: UInt64) throws {
        try Data().write(to: URL(filePath: "\(folder)/\(prefix)\(seed)-\(process)"))
    }

    /// When the enqueue was answered, whoever has begun it.
    func remove(_ seed: UInt64) throws {
        for name in try names() where name.hasPrefix("\(prefix)\(seed)-") {
            // Another one may have been faster.
            unlink("\(folder)/\(name)")
        }
    }

    func seedsOfOthers() throws -> [UInt64] {
        try names().filter { !$0.hasSuffix("-\(process)") }.compactMap { name in
            name.dropFirst(prefix.count).split(separator: "-").first.flatMap { UInt64($0) }
        }
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix(prefix) }
    }
}
