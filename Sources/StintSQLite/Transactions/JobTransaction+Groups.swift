import StintCore

/// Groups of jobs, and the line in which they wait for their turn; see `stint_groups` in the schema.
extension JobTransaction {
    /// Lets a group wait for its turn, since it may have a job that can be claimed now. A claim that finds none takes it
    /// out of the line again.
    func putInLine(_ group: Int64, of queue: Int64) throws {
        guard groupsInLine.insert(group).inserted else { return }
        try putInLine().execute(group, queue)
    }

    /// The same at the end of one of its jobs, if the group waited for that.
    func putBackInLine(_ group: Int64, of queue: Int64) throws {
        try statement(HotSQL.putBackInLine).execute(group, queue)
    }

    /// The row of a group; creates it if it does not exist.
    func groupID(_ name: String, in queue: Int64) throws -> Int64 {
        let key = GroupKey(queue: queue, name: Array(name.utf8))
        if let known = groupIDs[key] { return known }
        let select = try statement(HotSQL.groupID)
        select.bind(1, queue)
        select.bind(2, name)
        if let id = try select.first(read: { $0.int(0) }) {
            groupIDs[key] = id
            return id
        }
        let insert = try statement("INSERT INTO stint_groups (queue_id, name) VALUES (?1, ?2)")
        insert.bind(1, queue)
        insert.bind(2, name)
        let id = try insert.insertedID()
        groupIDs[key] = id
        if try ungrouped(in: queue) == nil { try beginGroups(in: queue) }
        return id
    }

    /// The group of the jobs without one; `nil` as long as the queue has no groups.
    func ungrouped(in queue: Int64) throws -> Int64? {
        if let known = ungroupedIDs[queue] { return known }
        let id =
            try statement("SELECT ungrouped FROM stint_queues WHERE id = ?1").first(queue) { $0.optionalInt(0) } ?? nil
        ungroupedIDs[queue] = .some(id)
        return id
    }

    /// The queue gets its first group: from now on its jobs without a group are one too. Writes all its ready jobs: about
    /// a second for a million, once.
    private func beginGroups(in queue: Int64) throws {
        let insert = try statement(
            "INSERT INTO stint_groups (queue_id, name, state) SELECT ?1, '', 'waiting'")
        insert.bind(1, queue)
        let id = try insert.insertedID()
        try statement("UPDATE stint_ready SET group_id = ?2 WHERE queue_id = ?1 AND group_id IS NULL").execute(
            queue, id)
        try statement("UPDATE stint_queues SET ungrouped = ?2 WHERE id = ?1").execute(queue, id)
        ungroupedIDs[queue] = .some(id)
    }
}

struct GroupKey: Hashable {
    let queue: Int64
    let name: [UInt8]
}
