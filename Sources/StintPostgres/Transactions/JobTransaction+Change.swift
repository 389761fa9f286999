import StintCore

/// What a person does with jobs: the same for some by their ids and for those of a selection.
extension JobTransaction {
    /// What became of a change.
    struct Applied {
        var changed: Set<Int64> = []
        /// Jobs that were left as they are: in a state that the change does not apply to, or that have already what it
        /// would do.
        var left: [Int64: Located] = [:]
        /// Jobs whose unique key is another job's in the queue to which they should go.
        var keyTaken: Set<Int64> = []
    }

    /// The jobs that a change is for, each once.
    struct Targets {
        let ids: [Int64]
        /// Where each was found; `nil` if it was named, and is changed wherever it is.
        private let places: [Int64: (state: JobState, queue: Int64)]?

        init(ids: [Int64]) { (self.ids, places) = (ids, nil) }

        /// Those of a selection. Others may move them between the look and the change. One that is no longer in the state
        /// and the queue in which it was found is not the one that was meant: it stays as they have left it.
        init(found: [Located]) {
            ids = found.map(\.id)
            places = Dictionary(found.map { ($0.id, ($0.state, $0.place.queue)) }) { $1 }
        }

        func include(_ job: Located) -> Bool {
            guard let places else { return true }
            return places[job.id].map { $0 == (job.state, job.place.queue) } ?? false
        }
    }

    /// Changes jobs by id, all or none: if it throws, the transaction is undone.
    func change(_ ids: [JobID], _ change: JobChange) async throws {
        var rest = ids[...]
        while !rest.isEmpty {
            // Each is changed in turn, so a job that is named twice is then as the first time has left it.
            var seen: Set<JobID> = []
            let part = rest.prefix { seen.insert($0).inserted }
            rest = rest.dropFirst(part.count)
            let applied = try await apply(change, to: Targets(ids: part.map(\.rawValue)))
            for id in part where !applied.changed.contains(id.rawValue) {
                if applied.keyTaken.contains(id.rawValue), case .move(let queue) = change {
                    throw StintError.keyTaken(id, in: queue)
                }
                guard let job = applied.left[id.rawValue] else { throw StintError.notFound(id) }
                if change.applies(to: job.state) || change.isDone(in: job.state) { continue }
                throw change.refusal(of: id, in: job.state)
            }
        }
    }

    /// The same, with a record of who did it.
    func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try await self.change(ids, change)
        guard let actor, !ids.isEmpty else { return }
        try await record(change, of: ids, by: actor)
    }

    /// Changes jobs of a selection that are still where they were found, as far as the change applies to them.
    func apply(_ change: JobChange, toFound jobs: [Located]) async throws -> Applied {
        try await apply(change, to: Targets(found: jobs))
    }

    /// Changes jobs as far as the change applies to them.
    private func apply(_ change: JobChange, to targets: Targets) async throws -> Applied {
        switch change {
        case .kick: return try await makeWaiting(targets, change) { Waiting(id: $0.id, place: $0.place) }
        case .kickLater(let delay):
            return try await makeWaiting(targets, change) {
                Waiting(id: $0.id, place: $0.place, delay: delay.milliseconds)
            }
        case .runNow:
            return try await makeWaiting(targets, change) {
                Waiting(
                    id: $0.id, place: $0.place, attempts: $0.attempts, crashes: $0.crashes, suspect: $0.suspect)
            }
        case .bury(let reason):
            let (taken, applied) = try await take(targets, change)
            try await bury(
                taken.map {
                    Burial(id: $0.id, place: $0.place, attempts: $0.attempts, crashes: $0.crashes, reason: reason)
                })
            return applied
        case .cancel(let reason):
            let (taken, applied) = try await take(targets, change)
            try await end(
                taken.map {
                    Ended(
                        id: $0.id, place: $0.place, state: .cancelled, attempts: $0.attempts, crashes: $0.crashes,
                        reason: reason)
                })
            return applied
        case .delete:
            let (taken, applied) = try await take(targets, change)
            _ = try await run(Self.forget(taken.map(\.id)))
            return applied
        case .move(let queue): return try await move(targets, to: queue)
        case .setPriority(let priority): return try await setPriority(Int64(priority), of: targets)
        }
    }

    /// Takes those out of their states that a change applies to.
    ///
    /// - Returns: Them, in the order in which they are named, and what has become of all.
    func take(
        _ targets: Targets, _ change: JobChange
    ) async throws -> (taken: [Located], applied: Applied) {
        let (taken, others) = try await take(targets.ids) { change.applies(to: $0.state) && targets.include($0) }
        return (targets.ids.compactMap { taken[$0] }, Applied(changed: Set(taken.keys), left: others))
    }

    private func makeWaiting(
        _ targets: Targets, _ change: JobChange, _ next: (Located) -> Waiting
    ) async throws -> Applied {
        try await lockLines(of: try await locate(targets.ids).values.map(\.place))
        let (taken, applied) = try await take(targets, change)
        try await makeWaiting(taken.map(next))
        return applied
    }

    // MARK: - To another place

    /// Jobs leave their states and come back into them, so one that was read before must be read again.
    private func move(_ targets: Targets, to name: QueueName) async throws -> Applied {
        let queue = try await queueID(name)
        let found = try await locate(targets.ids)
        try await lockLines(
            of: found.values.flatMap { job in
                var target = job.place
                target.queue = queue
                return [job.place, target]
            })
        func isWanted(_ job: Located) -> Bool {
            JobChange.move(to: name).applies(to: job.state) && targets.include(job)
        }
        let wanted = found.values.filter { isWanted($0) && $0.place.queue != queue }
        let keyTaken = try await keysTaken(of: wanted.map(\.id), in: queue)
        var (taken, others) = try await take(wanted.map(\.id).filter { !keyTaken.contains($0) }, where: isWanted)
        others.merge(found.filter { id, _ in !wanted.contains { $0.id == id } }) { $1 }
        if !taken.isEmpty {
            try await moveKeys(of: taken.keys.sorted(), to: queue)
            try await run(
                "UPDATE stint.jobs SET queue_id = $2::integer WHERE id = ANY ($1)", .ints(taken.keys.sorted()),
                .int32(Int32(clamping: queue)))
            let names = try await groupNames(Set(taken.values.compactMap(\.place.group)))
            for (id, job) in taken {
                var group: Int64?
                if let name = job.place.group.flatMap({ names[$0] }) { group = try await groupID(name, in: queue) }
                taken[id]!.place = JobPlace(
                    queue: queue, priority: job.place.priority, group: group, expiresAt: job.place.expiresAt)
            }
            try await putBack(taken.values.sorted { $0.id < $1.id })
        }
        return Applied(changed: Set(taken.keys), left: others, keyTaken: keyTaken)
    }

    private func groupNames(_ groups: Set<Int64>) async throws -> [Int64: String] {
        guard !groups.isEmpty else { return [:] }
        let rows = try await run(
            "SELECT id, name FROM stint.groups WHERE id = ANY ($1) AND name <> ''", .ints(groups.sorted()))
        return Dictionary(try rows.map { (try $0.int(0), try $0.text(1)) }) { $1 }
    }

    private func setPriority(_ priority: Int64, of targets: Targets) async throws -> Applied {
        let change = JobChange.setPriority(to: UInt32(clamping: priority))
        try await lockLines(of: try await locate(targets.ids).values.map(\.place))
        var (taken, others) = try await take(targets.ids) { job in
            change.applies(to: job.state) && job.place.priority != priority && targets.include(job)
        }
        others = others.filter { taken[$0.key] == nil }
        try await run(
            "UPDATE stint.jobs SET priority = $2 WHERE id = ANY ($1)", .ints(taken.keys.sorted()), .int(priority))
        for id in taken.keys { taken[id]!.place.priority = priority }
        try await putBack(taken.values.sorted { $0.id < $1.id })
        return Applied(changed: Set(taken.keys), left: others)
    }

    // MARK: - Unique keys

    /// Those of the jobs whose key another job holds in a queue, or one of these that comes before.
    private func keysTaken(of ids: [Int64], in queue: Int64) async throws -> Set<Int64> {
        let rows = try await run(
            """
            SELECT mine.job_id, mine.key, theirs.job_id FROM stint.unique_keys mine
            LEFT JOIN stint.unique_keys theirs ON theirs.queue_id = $2::integer AND theirs.key = mine.key
            WHERE mine.job_id = ANY ($1) ORDER BY mine.job_id
            """, .ints(ids), .int32(Int32(clamping: queue)))
        let holders = try await liveHolders(Set(try rows.compactMap { try $0.optionalInt(2) }))
        var (taken, keys): (Set<Int64>, Set<ByteText>) = ([], [])
        for row in rows {
            let isHeld = try row.optionalInt(2).map(holders.contains) ?? false
            let key = ByteText(try row.text(1))
            if isHeld || !keys.insert(key).inserted { taken.insert(try row.int(0)) }
        }
        return taken
    }

    /// Those of the holders of keys that keep them: one that waits although its time is over never runs.
    private func liveHolders(_ ids: Set<Int64>) async throws -> Set<Int64> {
        Set(
            try await locate(ids.sorted()).values.filter { job in
                !(job.state.isWaiting && job.place.expiresAt.map { $0 <= now.wall } ?? false)
            }.map(\.id))
    }

    private func moveKeys(of ids: [Int64], to queue: Int64) async throws {
        let rows = try await run(
            "DELETE FROM stint.unique_keys WHERE job_id = ANY ($1) RETURNING job_id, key, was_claimed", .ints(ids))
        let keys = try rows.map { (job: try $0.int(0), key: try $0.text(1), wasClaimed: try $0.bool(2)) }
        guard try await hold(keys, in: keys.map { _ in queue }).isEmpty else {
            throw StintError(
                .databaseBusy, "a unique key was taken while its job was moved; nothing was changed: try again")
        }
    }

    /// Gives keys to jobs, where none that keeps it has it.
    ///
    /// - Returns: The jobs that did not get theirs.
    func hold(
        _ keys: [(job: Int64, key: String, wasClaimed: Bool)], in queues: [Int64]
    ) async throws -> Set<Int64> {
        guard !keys.isEmpty else { return [] }
        let parameters: [PostgresValue] = [
            .ints(keys.map(\.job)), .int32s(queues.map { Int32(clamping: $0) }), .texts(keys.map(\.key)),
            .bools(keys.map(\.wasClaimed)),
        ]
        let held = try await run(
            """
            SELECT k.job_id FROM unnest($1::integer[], $2::text[]) AS t (queue_id, key)
            JOIN stint.unique_keys k ON k.queue_id = t.queue_id AND k.key = t.key
            """, parameters[1], parameters[2]
        ).map { try $0.int(0) }
        let stale = Set(held).subtracting(try await liveHolders(Set(held)))
        let rows = try await run([
            PostgresStatement("DELETE FROM stint.unique_keys WHERE job_id = ANY ($1)", [.ints(stale.sorted())]),
            PostgresStatement(
                """
                INSERT INTO stint.unique_keys (job_id, queue_id, key, was_claimed)
                SELECT * FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::boolean[])
                ON CONFLICT (queue_id, key) DO NOTHING RETURNING job_id
                """, parameters),
        ])
        return Set(keys.map(\.job)).subtracting(try rows[1].map { try $0.int(0) })
    }
}
