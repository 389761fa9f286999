import StintCore

/// The PostgreSQL schema's migrations, embedded from the SQL files of this folder.
///
/// Append-only: a file that was released is never changed (a database keeps the text it was made with and refuses to
/// open with another). A new one goes to the end of this list and into `resources:` in Package.swift.
package enum PostgresMigrations {
    package static let all: [Migration] = [
        Migration(1, "v001_stint", PackageResources.v001_stint_sql),
        Migration(2, "v002_functions", PackageResources.v002_functions_sql),
        Migration(3, "v003_burials", PackageResources.v003_burials_sql),
        Migration(4, "v004_move", PackageResources.v004_move_sql),
        Migration(5, "v005_writers", PackageResources.v005_writers_sql),
        Migration(6, "v006_exchange", PackageResources.v006_exchange_sql),
    ]
}
