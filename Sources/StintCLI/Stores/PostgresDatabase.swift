#if PostgreSQL
    import Logging
    import StintCore
    import StintPostgres

    /// All that the command line knows of the PostgreSQL store.
    struct PostgresDatabase {
        let url: String

        func open(_ opening: StoreOpening) async throws -> PostgresStore {
            try await PostgresStore.open(
                url, createsSchema: opening.createsWith != nil, logger: Logger(label: "stint"))
        }
    }
#endif
