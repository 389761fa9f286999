import Stint
import StintCore
import StintPostgres

/// A queue whose store is a file, or a PostgreSQL database if its address is a URL.
typealias BenchQueue = JobQueue<AnyJobStore>

extension BenchQueue {
    /// - Parameter options: Those of a file. A server has its own settings.
    init(at address: String, options: SQLiteStore.Options = SQLiteStore.Options()) async throws {
        let store: any JobStore =
            address.hasPrefix("postgres://")
            ? try await JobQueue<PostgresStore>(.postgres(address)).store
            : try await JobQueue<SQLiteStore>(.sqlite(address, options: options)).store
        self.init(store: AnyJobStore(store, address: address))
    }
}
