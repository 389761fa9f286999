/// How to open a store: `.sqlite("app.db")`. Each store's module adds its own.
public struct StoreSource<Store: JobStore>: Sendable {
    package let open: @Sendable () async throws -> Store

    public init(_ open: @escaping @Sendable () async throws -> Store) {
        self.open = open
    }
}
