/// The SQLite schema's migrations, embedded from the SQL files of this folder.
///
/// Append-only: a file that was released is never changed (a database keeps the text it was made with and refuses to
/// open with another). A new one goes to the end of this list and into `resources:` in Package.swift.
package enum SQLiteMigrations {
    package static let all: [SQLiteMigration] = [
        SQLiteMigration(1, "v001_jobs", PackageResources.v001_jobs_sql),
        SQLiteMigration(2, "v002_workers", PackageResources.v002_workers_sql),
        SQLiteMigration(3, "v003_enqueue", PackageResources.v003_enqueue_sql),
        SQLiteMigration(4, "v004_hardening", PackageResources.v004_hardening_sql),
        SQLiteMigration(5, "v005_flow", PackageResources.v005_flow_sql),
        SQLiteMigration(6, "v006_schedules", PackageResources.v006_schedules_sql),
        SQLiteMigration(7, "v007_errors", PackageResources.v007_errors_sql),
        SQLiteMigration(8, "v008_activity", PackageResources.v008_activity_sql),
        SQLiteMigration(9, "v009_operations", PackageResources.v009_operations_sql),
        SQLiteMigration(10, "v010_search", PackageResources.v010_search_sql),
        SQLiteMigration(11, "v011_webhooks", PackageResources.v011_webhooks_sql),
    ]
}

package struct SQLiteMigration: Sendable {
    /// From 1, without gaps.
    package let version: Int
    package let name: String
    package let sql: String

    package init(_ version: Int, _ name: String, _ sql: [UInt8]) {
        self.version = version
        self.name = name
        self.sql = String(decoding: sql, as: UTF8.self)
    }
}
