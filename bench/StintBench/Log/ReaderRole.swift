import Foundation

/// A program that began to read and does not end: meanwhile the log cannot start again.
struct ReaderRole: Role {
    static let name = RoleName.reader

    let database: String

    func play(start: () throws -> StartBarrier) async throws -> Int64 {
        let connection = try SQLiteConnection(database, durability: .full, busyTimeout: 5_000)
        try connection.execute("BEGIN")
        let jobs = try connection.integer("SELECT count(*) FROM stint_jobs")
        _ = try start()
        await StartBarrier.waitForEnd()
        try connection.execute("COMMIT")
        return jobs
    }
}
