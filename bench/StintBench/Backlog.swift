import Foundation
import Stint
import StintCore

/// What kind of tables a design works on.
enum BacklogSchema: String, Codable, Hashable {
    case stint
    /// `jobs` with a status and its index.
    case naiveWithState
    /// `jobs` without a status.
    case naive

    /// The ids of the jobs that are not done.
    var remainingIDs: String {
        switch self {
        case .stint: "SELECT id FROM stint_jobs"
        case .naiveWithState, .naive: "SELECT id FROM jobs"
        }
    }

    /// The number of jobs that are left half-way, which after a run must be 0.
    var unsettled: String {
        switch self {
        case .stint: "SELECT (SELECT count(*) FROM stint_leased) + (SELECT count(*) FROM stint_leases)"
        case .naiveWithState: "SELECT count(*) FROM jobs WHERE state <> 'new'"
        case .naive: "SELECT 0"
        }
    }
}

/// Files full of waiting jobs. Each is created once and copied for every run, so that all runs of a design start alike.
actor Backlog {
    /// The payload of each job: 100 bytes.
    static let payload = [UInt8](repeating: UInt8(ascii: "x"), count: 100)

    private let folder: URL
    private var made: Set<String> = []

    init(folder: URL) {
        self.folder = folder
    }

    /// A file for this design with the jobs 1 to `jobs`, on disk. It replaces the last one of this kind.
    func file(_ design: Design, jobs: Int) async throws -> String {
        try await file("\(design.schema.rawValue)-\(jobs)", journalMode: design.journalMode) { path in
            switch design.schema {
            case .stint: try await Self.fillStint(path, jobs: jobs)
            case .naiveWithState: try Self.fillNaive(path, jobs: jobs, hasState: true)
            case .naive: try Self.fillNaive(path, jobs: jobs, hasState: false)
            }
        }
    }

    /// The same for any content: `fill` makes it, once for each name.
    func file(
        _ name: String, journalMode: String = "WAL", fill: @Sendable (String) async throws -> Void
    ) async throws -> String {
        let template = folder.appendingPathComponent("\(name).template")
        if made.insert(name).inserted {
            try await fill(template.path)
            try Self.checkpoint(template.path)
        }
        let file = template.deletingPathExtension().appendingPathExtension("run")
        // Written over the old content and not as a new file: a disk that is notified of freed blocks is slow for a
        // while.
        if !FileManager.default.fileExists(atPath: file.path) {
            try FileManager.default.copyItem(at: template, to: file)
        }
        let besides = ["-wal", "-shm", "-journal", "-lock"].map { file.path + $0 }
        for path in besides where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
        let (source, target) = (try FileHandle(forReadingFrom: template), try FileHandle(forUpdating: file))
        try target.truncate(atOffset: try source.seekToEnd())
        for handle in [source, target] { try handle.seek(toOffset: 0) }
        while let bytes = try source.read(upToCount: 1 << 20), !bytes.isEmpty { try target.write(contentsOf: bytes) }
        try source.close()
        try target.close()
        // Before the workers come: with many at once, changing the mode is a race for a lock.
        try SQLiteConnection(file.path, durability: .full).execute("PRAGMA journal_mode = \(journalMode)")
        // Otherwise the kernel writes it back while the run is measured.
        let written = try FileHandle(forUpdating: file)
        try written.synchronize()
        try written.close()
        return file.path
    }

    /// The copies are of the file alone, without its log.
    private static func checkpoint(_ path: String) throws {
        let connection = try SQLiteConnection(path, durability: .full, busyTimeout: 5_000)
        guard try connection.integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0 else {
            throw BenchError("\(path): its log cannot be copied into the file, since another connection reads it")
        }
    }

    private static func fillStint(_ path: String, jobs: Int) async throws {
        let queue = try await JobQueue(.sqlite(path, durability: .normal))
        let job = try NewJob(payload, in: StintWorkload.queue)
        // Creates the queue, even if it stays empty.
        try await queue.resume(StintWorkload.queue)
        for start in stride(from: 0, to: jobs, by: 1_000) {
            try await queue.enqueue(jobs: Array(repeating: job, count: min(1_000, jobs - start)))
        }
        await queue.close()
    }

    private static func fillNaive(_ path: String, jobs: Int, hasState: Bool) throws {
        let connection = try SQLiteConnection(path, durability: .full)
        let state = hasState ? "state TEXT NOT NULL DEFAULT 'new'," : ""
        try connection.execute(
            """
            CREATE TABLE jobs (
                id INTEGER PRIMARY KEY, \(state) created_at INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL
            )
            """)
        if hasState { try connection.execute("CREATE INDEX jobs_by_state ON jobs (state, id)") }
        try connection.execute("BEGIN")
        let insert = try connection.prepare("INSERT INTO jobs (payload) VALUES (?1)")
        for _ in 0..<jobs { try insert.run(payload) }
        try connection.execute("COMMIT")
    }
}
