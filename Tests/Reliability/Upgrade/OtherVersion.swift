import GRDB
import StintCore
import StintSQLite
import StintSQLiteMigrations

/// A Stint that knows other schemas than this one.
package struct OtherVersion {
    private let options: SQLiteStore.Options
    private let path: String

    /// - Parameter schema: The newest that it knows: an earlier one, or one that is still to come.
    package init(schema: Int, at path: String) {
        self.path = path
        options = Self.options(schema: schema)
    }

    /// The options of a Stint with this many migrations; those that do not exist yet are invented.
    package static func options(schema: Int) -> SQLiteStore.Options {
        var options = SQLiteStore.Options()
        let invented = (SQLiteMigrations.all.count..<max(schema, SQLiteMigrations.all.count)).map { before in
            let sql =
                "ALTER TABLE stint_queues ADD COLUMN invented_\(before + 1) INTEGER; CREATE TABLE stint_invented (x);"
            return Migration(before + 1, "v\(before + 1)_invented", Array(sql.utf8))
        }
        options.migrations = Array((SQLiteMigrations.all + invented).prefix(schema))
        return options
    }

    /// Opens the database, and prints a line before it tries.
    package func open() async throws {
        print("opening")
        flush()
        let queue = try await JobQueue(.sqlite(path, options: options))
        print("\(try await queue.store.stats().count) queues")
    }

    /// Puts a job, claims one and acknowledges it, again and again, with a line about each answer.
    ///
    /// - Throws: What ends it; it also ends after a large number of rounds.
    package func work() async throws {
        let queue = try await JobQueue(.sqlite(path, options: options))
        let request = ClaimRequest(queues: ["versions"], limit: 1, lease: .seconds(600), worker: "older:1")
        for _ in 1...10_000 {
            let put = try await queue.enqueue(payload: [1], in: "versions").id
            print("put \(put)")
            for job in try await queue.store.exchange([], for: request).jobs {
                print("claimed \(job.id)")
                let answers = try await queue.store.exchange(
                    [Settlement(job.lease, .ack)], for: nil
                ).answers
                print("\(answers == [.settled(.done)] ? "acknowledged" : "lost") \(job.id)")
            }
            flush()
        }
    }
}
