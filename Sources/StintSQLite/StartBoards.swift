import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The boards of all workers of a database: `stint.db-worker-17` is that of worker 17.
final class StartBoards: Sendable {
    private let database: String
    private let prefix: String
    /// Those of this process's own workers.
    private let own = Mutex<[WorkerID: StartBoardFile]>([:])

    /// - Parameter file: The database without symbolic links, so that all processes find the same boards.
    init(beside file: String) {
        database = file
        prefix = file + "-worker-"
    }

    private func path(_ worker: WorkerID) -> String { prefix + worker.description }

    func open(for worker: WorkerID, capacity: Int) -> StartBoardFile {
        own.withLock { boards in
            if let board = boards[worker] { return board }
            let board = StartBoardFile(path: path(worker), worker: worker, capacity: capacity, like: database)
            boards[worker] = board
            return board
        }
    }

    func read(_ worker: WorkerID) -> [StartedJob]? {
        StartBoardFile.read(path(worker), of: worker)
    }

    func remove(_ worker: WorkerID) {
        if let board = own.withLock({ $0.removeValue(forKey: worker) }) { board.remove() }
        unlink(path(worker))
    }

    /// Removes the boards of earlier workers that are not known: a process that died between two steps left them.
    func sweep(before newest: WorkerID, keeping known: Set<WorkerID>) {
        let slash = prefix.lastIndex(of: "/")
        let folder = slash.map { $0 == prefix.startIndex ? "/" : String(prefix[..<$0]) } ?? "."
        let name = slash.map { prefix[prefix.index(after: $0)...] } ?? prefix[...]
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let file = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard file.hasPrefix(name), let id = Int64(file.dropFirst(name.count)) else { continue }
            let worker = WorkerID(rawValue: id)
            if id < newest.rawValue, !known.contains(worker) { unlink(path(worker)) }
        }
    }
}
