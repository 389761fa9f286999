/// The SQLite schema's migrations, embedded from the SQL files of this folder.
///
/// Append-only: a file that was released is never changed (a database keeps the text it was made with and refuses to
/// open with another). A new one goes to the end of this list and into `resources:` in Package.swift.
package enum SQLiteMigrations {
    package static let all: [(version: Int, name: String, sql: String)] = [
        (1, "v001_jobs", String(decoding: PackageResources.v001_jobs_sql, as: UTF8.self)),
        (2, "v002_workers", String(decoding: PackageResources.v002_workers_sql, as: UTF8.self)),
        (3, "v003_enqueue", String(decoding: PackageResources.v003_enqueue_sql, as: UTF8.self)),
    ]
}
