import GRDB
import Stint

/// A stub.
struct Events: Sendable {
    let queue: JobQueue<SQLiteStore>

    func happened(
        _ kind: Kind, by member: Int64, object: Thing, group: Int64?, only told: Int64? = nil, with db: Database
    ) throws {}
}
