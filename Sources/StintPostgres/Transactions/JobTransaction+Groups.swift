import StintCore

/// Groups of jobs; see `stint.groups` in the schema.
extension JobTransaction {
    /// The row of a group; creates it if it does not exist.
    func groupID(_ name: String, in queue: Int64) async throws -> Int64 {
        let key = GroupKey(queue: queue, name: ByteText(name))
        if let known = groupIDs[key] { return known }
        if let found = try await existingGroup(name, in: queue) {
            groupIDs[key] = found
            return found
        }
        _ = try await run([
            // The first group of a queue: its jobs without a group are one too, from now on.
            PostgresStatement(
                "UPDATE stint.queues SET has_groups = true WHERE id = $1 AND NOT has_groups", [.int(queue)]),
            PostgresStatement(
                "INSERT INTO stint.turns (queue_id, turn) VALUES ($1, 0) ON CONFLICT DO NOTHING", [.int(queue)]),
            PostgresStatement(
                """
                INSERT INTO stint.groups (queue_id, name)
                SELECT $1, name FROM unnest(ARRAY['', $2]) WITH ORDINALITY AS g (name, place) ORDER BY place
                ON CONFLICT DO NOTHING
                """, [.int(queue), .text(name)]),
        ])
        guard let id = try await existingGroup(name, in: queue) else {
            throw StintError(
                .databaseUnusable, "the group \(quoted(name)) was created and is not there: see stint.groups")
        }
        groupIDs[key] = id
        return id
    }

    /// `nil`: the queue has no such group. The name of the jobs without a group is empty.
    func existingGroup(_ name: String, in queue: Int64) async throws -> Int64? {
        try await run(
            "SELECT id FROM stint.groups WHERE queue_id = $1 AND name = $2", .int(queue), .text(name)
        ).first?.int(0)
    }
}
