import StintCore

/// The SQLite schema's migrations, embedded from the SQL files of this folder.
///
/// Append-only: a file that was released is never changed (a database keeps the text it was made with and refuses to
/// open with another). A new one goes to the end of this list and into `resources:` in Package.swift.
package enum SQLiteMigrations {
    package static let all: [Migration] = [
        Migration(1, "v001_jobs", PackageResources.v001_jobs_sql),
        Migration(2, "v002_workers", PackageResources.v002_workers_sql),
        Migration(3, "v003_enqueue", PackageResources.v003_enqueue_sql),
        Migration(4, "v004_hardening", PackageResources.v004_hardening_sql),
        Migration(5, "v005_flow", PackageResources.v005_flow_sql),
        Migration(6, "v006_schedules", PackageResources.v006_schedules_sql),
        Migration(7, "v007_errors", PackageResources.v007_errors_sql),
        Migration(8, "v008_activity", PackageResources.v008_activity_sql),
        Migration(9, "v009_operations", PackageResources.v009_operations_sql),
        Migration(10, "v010_search", PackageResources.v010_search_sql),
        Migration(11, "v011_webhooks", PackageResources.v011_webhooks_sql),
        Migration(12, "v012_idempotency", PackageResources.v012_idempotency_sql),
        Migration(13, "v013_burials", PackageResources.v013_burials_sql),
        Migration(14, "v014_move", PackageResources.v014_move_sql),
        Migration(15, "v015_writers", PackageResources.v015_writers_sql),
    ]
}
