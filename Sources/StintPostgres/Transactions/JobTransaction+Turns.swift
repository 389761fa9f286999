import StintCore

/// Fair claims: the groups of a queue that have ready jobs are served in turn.
///
/// Each group has a turn, a number. The group with the smallest one is served next, and each job that is served moves
/// it ahead by ``GroupInLine/stride`` divided by the group's weight (stride scheduling: Waldspurger and Weihl, 1995). A
/// group that gets its first ready job comes just before the turn of the group that was served last: it is served next,
/// however many groups wait, and has no credit from the time when it did nothing.
///
/// The claim holds the queue's lock alone, so no other transaction moves turns or makes jobs of groups ready meanwhile.
extension JobTransaction {
    /// How many groups that have nothing to give one claim passes: it keeps the transaction short.
    private static let stopsPerClaim = 1_000

    /// The jobs that come next, up to the queue's room.
    func inTurn(_ queue: ClaimableQueue, skipsSuspects: Bool) async throws -> Choice {
        try await resumePaced(queue)
        let turn = try await turn(of: queue.id)
        var depth = 2
        while true {
            let groups = try await line(queue, turn, depth: depth, skipsSuspects: skipsSuspects)
            if let choice = Self.serve(groups, queue.room, turn) { return choice }
            // A group has more jobs than were read, and they are next.
            depth = min(depth * 4, queue.room + 1)
        }
    }

    /// - Returns: `nil` if more jobs of a group must be read.
    private static func serve(_ groups: [GroupInLine], _ room: Int, _ turn: Int64) -> Choice? {
        var choice = Choice(groups: Dictionary(uniqueKeysWithValues: groups.map { ($0.id, $0) }))
        var line = groups.map { (group: $0, turn: $0.turn, rest: $0.rows.prefix($0.room)) }
        while choice.rows.count < room {
            let next = line.indices.filter { !line[$0].rest.isEmpty }
                .min { (line[$0].turn, line[$0].group.row) < (line[$1].turn, line[$1].group.row) }
            guard let next else { break }
            choice.rows.append(line[next].rest.removeFirst())
            line[next].turn = max(line[next].turn, turn) + line[next].group.step
            let group = line[next].group
            let isAllRead = group.isComplete || group.rows.count >= group.room
            if line[next].rest.isEmpty && !isAllRead && choice.rows.count < room { return nil }
        }
        return choice
    }

    /// The groups that can be served next, at least as many as the claim takes jobs, each with its first jobs.
    private func line(
        _ queue: ClaimableQueue, _ turn: Int64, depth: Int, skipsSuspects: Bool
    ) async throws -> [GroupInLine] {
        let load = try await load(of: queue)
        // However many these are, the others come after them.
        let blocked = PostgresValue.ints(blockedGroups(load, queue.limits).sorted())
        var line: [GroupInLine] = []
        var last = (Int64.min, Int64.min)
        var stops = 0
        let width = queue.room
        while line.count < width && stops < Self.stopsPerClaim {
            let page = try await run(
                """
                SELECT id, turn, weight FROM stint.groups
                WHERE queue_id = $1 AND is_in_line AND resume_at IS NULL AND (turn, id) > ($2, $3)
                    AND id NOT IN (SELECT unnest($5::bigint[]))
                ORDER BY turn, id LIMIT $4
                """, .int(queue.id), .int(last.0), .int(last.1), .int(Int64(width)), blocked)
            guard let end = page.last else { break }
            last = (try end.int(1), try end.int(0))
            let rooms = try await rooms(of: page.map { try $0.int(0) }, in: queue, load)
            var groups: [GroupInLine] = []
            for row in page {
                let id = try row.int(0)
                switch rooms[id] ?? .full {
                case .count(let room) where room > 0:
                    // One that could not be served for a while has no credit from that time.
                    groups.append(
                        GroupInLine(
                            id: id, row: id, weight: try row.int(2), turn: max(try row.int(1), turn - 1), room: room))
                case .paced(let time):
                    try await run("UPDATE stint.groups SET resume_at = $2 WHERE id = $1", .int(id), .int(time))
                    stops += 1
                case .count, .full: stops += 1
                }
            }
            line += try await read(groups, depth: depth, of: queue, skipsSuspects: skipsSuspects)
            stops += groups.count
            if page.count < width { break }
        }
        let ungrouped = try await run(
            "SELECT id, turn, weight FROM stint.groups WHERE queue_id = $1 AND name = ''", .int(queue.id)
        ).first.map { row in
            GroupInLine(
                id: 0, row: try row.int(0), weight: try row.int(2), turn: max(try row.int(1), turn - 1), room: .max)
        }
        if let ungrouped {
            line += try await read([ungrouped], depth: depth, of: queue, skipsSuspects: skipsSuspects)
        }
        return line
    }

    /// Reads the first jobs of groups. Groups that have none leave the line.
    ///
    /// - Returns: Those that have some.
    private func read(
        _ groups: [GroupInLine], depth: Int, of queue: ClaimableQueue, skipsSuspects: Bool
    ) async throws -> [GroupInLine] {
        guard !groups.isEmpty else { return [] }
        // In a strict order nothing of a group goes ahead of a suspect that is passed over.
        let isOrdered = queue.limits.isStrict
        let skipsInSQL = skipsSuspects && (!isOrdered || groups[0].id == 0)
        let limit = Int64(depth + 1)
        let (rows, isCut) = try await unexpired(in: queue) {
            let rows =
                groups[0].id == 0
                ? try await self.run(
                    """
                    SELECT \(Candidate.columns) FROM stint.ready r JOIN stint.jobs j ON j.id = r.job_id
                    WHERE r.queue_id = $1 AND r.group_id IS NULL AND NOT (r.suspect AND $3)
                    ORDER BY r.priority, r.job_id LIMIT $2
                    """, .int(queue.id), .int(limit), .bool(skipsInSQL))
                : try await self.run(
                    """
                    SELECT \(Candidate.columns) FROM unnest($1::bigint[]) AS g (id) CROSS JOIN LATERAL (
                        SELECT * FROM stint.ready WHERE group_id = g.id AND NOT (suspect AND $3)
                        ORDER BY priority, job_id LIMIT $2) r
                    JOIN stint.jobs j ON j.id = r.job_id
                    """, .ints(groups.map(\.id)), .int(limit), .bool(skipsInSQL))
            return try rows.map { try Candidate($0, in: queue) }
        }
        let byGroup = Dictionary(grouping: rows) { $0.group ?? 0 }
        var idle: [Int64] = []
        let filled = groups.compactMap { group -> GroupInLine? in
            var group = group
            let found = (byGroup[group.id] ?? []).sorted { $0.goesBefore($1) }
            group.isComplete = found.count <= depth || isCut
            group.hasLeftSome = skipsSuspects || isCut
            group.rows = Array(found.prefix(depth))
            if skipsSuspects && !skipsInSQL { group.rows = Array(group.rows.prefix { !$0.suspect }) }
            if found.isEmpty && !skipsSuspects && !isCut && group.id != 0 { idle.append(group.id) }
            if group.rows.count < min(found.count, depth) { group.isComplete = true }
            return group.rows.isEmpty ? nil : group
        }
        if !idle.isEmpty {
            groupsInLine.subtract(idle)
            try await run("UPDATE stint.groups SET is_in_line = false WHERE id = ANY ($1)", .ints(idle))
        }
        return filled
    }

    /// Moves the turns of groups ahead whose jobs were claimed, and counts the starts.
    func serve(_ jobs: [Candidate], of queue: ClaimableQueue, _ choice: Choice) async throws {
        guard !jobs.isEmpty else { return }
        var starts: [Int64: Int] = [:]
        if queue.limits.rate != nil { starts[0] = jobs.count }
        if queue.limits.groupRate != nil {
            for job in jobs { if let group = job.group { starts[group, default: 0] += 1 } }
        }
        var statements = countStarts(starts, of: queue)
        if queue.takesTurns { statements += try await moveTurns(jobs, of: queue, choice) }
        if !statements.isEmpty { _ = try await run(statements) }
    }

    private func moveTurns(
        _ jobs: [Candidate], of queue: ClaimableQueue, _ choice: Choice
    ) async throws -> [PostgresStatement] {
        var turn = try await turn(of: queue.id)
        var groups = choice.groups
        var taken: [Int64: Int] = [:]
        for job in jobs {
            let id = job.group ?? 0
            guard var group = groups[id] else { continue }
            // One that has just come goes first. It moves the turn a little, so that others do not wait for ever if new
            // groups come all the time.
            let isNew = group.turn < turn
            let next = max(turn, group.turn) + (isNew ? GroupInLine.newcomerStride : 0)
            group.turn = max(group.turn, turn) + group.step
            turn = next
            groups[id] = group
            taken[id, default: 0] += 1
        }
        let served = groups.values.filter { taken[$0.id] != nil }.sorted { $0.row < $1.row }
        guard !served.isEmpty else { return [] }
        // Out of the line if these were its last ready jobs.
        let stays = served.map { group in
            group.id != 0 && !(group.isComplete && !group.hasLeftSome && taken[group.id] == group.rows.count)
        }
        for (group, stays) in zip(served, stays) where !stays { groupsInLine.remove(group.id) }
        return [
            PostgresStatement(
                """
                UPDATE stint.groups g SET turn = s.turn, is_in_line = s.stays
                FROM unnest($1::bigint[], $2::bigint[], $3::boolean[]) AS s (id, turn, stays) WHERE g.id = s.id
                """, [.ints(served.map(\.row)), .ints(served.map(\.turn)), .bools(stays)]),
            PostgresStatement("UPDATE stint.turns SET turn = $2 WHERE queue_id = $1", [.int(queue.id), .int(turn)]),
        ]
    }

    /// Where the groups' turn is.
    private func turn(of queue: Int64) async throws -> Int64 {
        try await run("SELECT turn FROM stint.turns WHERE queue_id = $1", .int(queue)).first?.int(0) ?? 0
    }

    /// Without turns: by priority, past the jobs of groups at their limit.
    func byPriorityWithinLimits(_ queue: ClaimableQueue, skipsSuspects: Bool) async throws -> Choice {
        try await resumePaced(queue)
        let load = try await load(of: queue)
        var rooms: [Int64: Int] = [:]
        var chosen: [Candidate] = []
        var blocked = blockedGroups(load, queue.limits)
        var last = (Int64.min, Int64.min)
        // Beyond that, a claim that has found something leaves the rest to the next one.
        for read in 0..<Self.stopsPerClaim where chosen.count < queue.room && (read < 8 || chosen.isEmpty) {
            let (rows, isCut) = try await unexpired(in: queue) {
                try await self.page(
                    queue, after: last, without: blocked, skipsSuspects: skipsSuspects && !queue.limits.isStrict)
            }
            let new = Set(rows.compactMap(\.group)).filter { rooms[$0] == nil }
            for (group, room) in try await self.rooms(of: Array(new), in: queue, load) {
                switch room {
                case .count(let count): rooms[group] = count
                case .full: rooms[group] = 0
                case .paced(let time):
                    rooms[group] = 0
                    try await run("UPDATE stint.groups SET resume_at = $2 WHERE id = $1", .int(group), .int(time))
                }
            }
            for row in rows where chosen.count < queue.room {
                let isPassed = skipsSuspects && row.suspect
                if let group = row.group {
                    // In a strict order nothing of the group goes ahead of it.
                    if isPassed && queue.limits.isStrict { rooms[group] = 0 }
                    if isPassed || rooms[group, default: 0] <= 0 { continue }
                    rooms[group]! -= 1
                } else if isPassed {
                    continue
                }
                chosen.append(row)
            }
            guard let end = rows.last, rows.count >= queue.room, !isCut else { break }
            last = (end.priority, end.id)
            blocked.formUnion(rooms.filter { $0.value <= 0 }.keys)
        }
        return Choice(rows: chosen)
    }

    /// The next jobs by priority, whatever their groups: of each of the two indexes, the first ones.
    private func page(
        _ queue: ClaimableQueue, after last: (Int64, Int64), without blocked: Set<Int64>, skipsSuspects: Bool
    ) async throws -> [Candidate] {
        let parameters: [PostgresValue] = [
            .int(queue.id), .int(Int64(queue.room)), .bool(skipsSuspects), .int(last.0), .int(last.1),
        ]
        func sql(_ isGrouped: String) -> String {
            """
            SELECT \(Candidate.columns) FROM stint.ready r JOIN stint.jobs j ON j.id = r.job_id
            WHERE r.queue_id = $1 AND r.group_id \(isGrouped) AND NOT (r.suspect AND $3)
                AND (r.priority, r.job_id) > ($4, $5)
            ORDER BY r.priority, r.job_id LIMIT $2
            """
        }
        let mayStart = """
            IS NOT NULL AND r.group_id <> ALL ($6) AND NOT EXISTS (
                SELECT 1 FROM stint.groups g WHERE g.id = r.group_id AND g.resume_at IS NOT NULL)
            """
        let rows = try await run([
            PostgresStatement(sql("IS NULL"), parameters),
            PostgresStatement(sql(mayStart), parameters + [.ints(blocked.sorted())]),
        ])
        let jobs = try rows.joined().map { try Candidate($0, in: queue) }.sorted { $0.goesBefore($1) }
        return Array(jobs.prefix(queue.room))
    }
}
