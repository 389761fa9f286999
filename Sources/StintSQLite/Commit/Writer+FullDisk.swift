import GRDB
import GRDBSQLite

/// Which requests are performed when the disk is full, and which use the space of the ``DiskReserve``.
extension Writer {
    /// Refuses the requests that must wait for free space. Mostly there are none, and one look shows that.
    func permitted(_ group: [any WriteRequest]) -> [any WriteRequest] {
        guard let reserve, let least = group.lazy.map(\.diskFull).min(), !reserve.permits(least) else { return group }
        // Checked once for each policy: on a disk over its quota the check tries to allocate.
        var permits = [least: false]
        return group.filter { write in
            let isPermitted = permits[write.diskFull] ?? reserve.permits(write.diskFull)
            permits[write.diskFull] = isPermitted
            if isPermitted { return true }
            write.refuse(reserve.refusal)
            return false
        }
    }

    func isDiskFull(_ error: any Error, _ database: Database) -> Bool {
        guard let reserve, let error = error as? DatabaseError else { return false }
        return reserve.isDiskFull(error, errno: sqlite3_system_errno(database.sqliteConnection))
    }

    /// Refuses the requests that may be refused. If there are none, frees some space for the rest.
    func thoseThatMayGoOn(_ writes: [any WriteRequest]) -> [any WriteRequest] {
        guard let reserve else { return writes }
        let urgent = writes.filter { $0.diskFull == .useReserve }
        let isWorthATry = urgent.count < writes.count || reserve.giveUp()
        for write in writes where write.diskFull != .useReserve || !isWorthATry { write.refuse(reserve.refusal) }
        return isWorthATry ? urgent : []
    }
}
