#if PostgreSQL
    import Foundation
    import Logging
    import StintCore
    import StintPostgres

    /// All that the command line knows of the PostgreSQL store.
    struct PostgresDatabase {
        let url: String

        func open(_ opening: StoreOpening) async throws -> PostgresStore {
            var options = PostgresStore.Options()
            options.createsSchema = opening.createsWith != nil
            options.isMover = opening.isMover
            options.logger = Logger(label: "stint")
            // A pooler in transaction mode passes no notifications on.
            options.listenURL = ProcessInfo.processInfo.environment["STINT_POSTGRES_LISTEN"]
            return try await PostgresStore.open(url, options: options)
        }
    }

    extension PostgresStore: ExaminableStore {
        func quickFindings() async throws -> [Finding] { try await examineSurroundings() }

        func thoroughFindings() async throws -> [Finding] { try await examineTables() }
    }
#endif
