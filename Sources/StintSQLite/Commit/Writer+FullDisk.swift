import GRDB
import GRDBSQLite

/// What may be written when the disk is full, and what gets the room of the ``DiskReserve``.
extension Writer {
    /// Refuses what must wait for room. Mostly that is nothing, and one look tells.
    func permitted(_ group: [any WriteRequest]) -> [any WriteRequest] {
        guard let reserve, let least = group.lazy.map(\.diskFull).min(), !reserve.permits(least) else { return group }
        // Asked once for each: on a disk over its quota the answer takes a try.
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

    /// Refuses what need not get through, or else makes some room for the rest.
    func thoseThatMayGoOn(_ writes: [any WriteRequest]) -> [any WriteRequest] {
        guard let reserve else { return writes }
        let urgent = writes.filter { $0.diskFull == .useReserve }
        let isWorthATry = urgent.count < writes.count || reserve.giveUp()
        for write in writes where write.diskFull != .useReserve || !isWorthATry { write.refuse(reserve.refusal) }
        return isWorthATry ? urgent : []
    }
}
