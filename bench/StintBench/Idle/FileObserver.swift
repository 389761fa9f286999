import Foundation
import StintPlatform

/// Whether a database was written to between two looks.
final class FileObserver {
    private let database: String
    private let connection: SQLiteConnection

    init(_ database: String) throws {
        self.database = database
        connection = try SQLiteConnection(database, durability: .full, busyTimeout: 5_000)
    }

    func look() throws -> FileTrace {
        FileTrace(
            // Differs whenever another connection has committed.
            dataVersion: try connection.integer("PRAGMA data_version"),
            files: ["", "-wal", "-shm"].map { FileTrace.File(name: "the database\($0)", path: database + $0) })
    }
}

struct FileTrace: Sendable {
    struct File: Sendable, Equatable {
        let name: String
        let size: Int64
        let modified: Int64

        init(name: String, path: String) {
            self.name = name
            var status = stat()
            guard stat(path, &status) == 0 else {
                (size, modified) = (-1, 0)
                return
            }
            size = Int64(status.st_size)
            modified = status.modified.nanoseconds
        }
    }

    let dataVersion: Int64
    let files: [File]

    /// In words. Only the size of the -shm file is compared: readers mark in it what they read.
    func changes(until later: FileTrace) -> [String] {
        var changes: [String] = []
        if dataVersion != later.dataVersion { changes.append("a commit") }
        for (before, after) in zip(files, later.files) {
            if before.size != after.size {
                changes.append("the size of \(before.name) (\(before.size) to \(after.size))")
            } else if before.modified != after.modified, !before.name.hasSuffix("-shm") {
                changes.append("the time of \(before.name)")
            }
        }
        return changes
    }
}
