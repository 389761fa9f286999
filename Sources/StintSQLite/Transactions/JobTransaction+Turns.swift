import StintCore

/// Fair claims: the groups of a queue that have ready jobs are served in turn.
///
/// Each group has a turn, a number. The group with the smallest one is served next, and each job that is served moves
/// it ahead by ``GroupInLine/stride`` divided by the group's weight (stride scheduling: Waldspurger and Weihl, 1995). A
/// group that gets its first ready job comes just before the turn of the group that was served last: it is served next,
/// however many groups wait, and has no credit from the time when it did nothing.
///
/// If more groups wait than a claim can serve, it takes several jobs of a group in a row,
/// ``ClaimableQueue/quantum``. However many groups there are, it reads as many as it takes jobs, and those that it
/// takes out of the line because they have nothing to give.
extension JobTransaction {
    /// How many groups one claim takes out of the line or puts back: it keeps the transaction short.
    private static let stopsPerClaim = 1_000
    /// How many times a claim by priority that has found something reads on past groups at their limit.
    private static let pagesPerClaim = 8

    /// The jobs that come next, up to the queue's room.
    func inTurn(_ queue: ClaimableQueue, _ index: Int, skipsSuspects: Bool) throws -> Choice {
        try resumePaced(queue)
        var choice = Choice(kind: .rangeOfEachGroup)
        var stops = 0
        var line = try GroupLine(first: groups(of: queue, after: nil))
        choice.isWholeLine = line.size < Self.width(of: queue)
        if !choice.isWholeLine { choice.quantum = queue.quantum }
        // Looked up once and not for each group.
        let anyIsLater = try statement(HotSQL.anyReadyLater).first(queue.id) { _ in true } ?? false
        let first = try statement(anyIsLater ? HotSQL.firstJobsOfGroup : HotSQL.firstNewJobsOfGroup)
        let all = try statement(HotSQL.jobsOfGroup)
        let innocents = skipsSuspects ? try statement(HotSQL.innocentsOfGroup) : all
        while choice.rows.count < queue.room {
            if line.isShort, let last = line.last {
                try line.append(groups(of: queue, after: last))
            }
            guard var group = line.popFirst() else { break }
            if group.room == nil { group.room = try room(of: group.id, group.load, in: queue) }
            if group.room!.isEmpty {
                try stop(group.id, group.room!)
                stops += 1
                if stops < Self.stopsPerClaim { continue } else { break }
            }
            // In a strict order nothing of the group goes ahead of a suspect that is passed over.
            let isStrict = queue.limits.isStrict && group.id != queue.ungrouped
            func isHeldBack() -> Bool { skipsSuspects && isStrict && group.peek?.suspect == true }
            if group.isReadUp && !group.isComplete {
                let count = max(
                    1, min(queue.room - choice.rows.count, group.served == 0 ? line.fairShare(of: queue.room) : 64))
                let next = isStrict ? all : innocents
                try read(&group, count, of: queue, index, first, next, skipsSuspects: skipsSuspects)
            }
            guard !isHeldBack(), let job = group.next() else {
                // Suspects that were passed over stay in the line.
                choice.groups[group.id] = group
                guard group.served == 0 && !group.hasLeftSome else { continue }
                try stop(group.id, .idle)
                stops += 1
                if stops < Self.stopsPerClaim { continue } else { break }
            }
            choice.rows.append(job)
            for _ in 1..<choice.quantum where choice.rows.count < queue.room {
                guard !isHeldBack(), let next = group.next() else { break }
                choice.rows.append(next)
            }
            choice.groups[group.id] = group
            line.insert(group)
        }
        return choice
    }

    /// After a claim has taken these jobs: moves the turns of their groups ahead, and counts the starts.
    func serve(_ jobs: [Candidate], of queue: ClaimableQueue, _ choice: Choice) throws {
        guard !jobs.isEmpty else { return }
        if let rate = queue.limits.rate { try countStarts(jobs.count, rate, queue: queue.id, group: 0) }
        guard queue.hasGroups else { return }
        let served = Self.byGroup(jobs)
        if let rate = queue.limits.groupRate {
            for (group, _, count) in served where group != queue.ungrouped {
                try countStarts(count, rate, queue: queue.id, group: group)
            }
        }
        guard queue.takesTurns else { return }
        let update = try statement(HotSQL.moveTurn)
        var turn = queue.turn
        var newcomers: Int64 = 0
        for (id, _, count) in served {
            guard let group = choice.groups[id] else { continue }
            // One that has just come goes first. It moves the turn a little, so that others do not wait for ever if new
            // groups come all the time.
            if group.firstTurn < queue.turn { newcomers += 1 }
            // Where it was before the last ones in a row.
            turn = max(turn, group.turn(after: (count - 1) / choice.quantum * choice.quantum))
            // It is out of the line if these were its last ready jobs, or if no more of them may run. If very many groups
            // wait, that is left to the claim that finds it next: mostly a job has ended by then.
            let isIdle = group.isComplete && !group.hasLeftSome && count == group.found
            let isFull =
                choice.isWholeLine
                && count >= group.load.left(of: queue.limits.groupConcurrency, isLimited: id != queue.ungrouped)
            if isIdle || isFull {
                groupsInLine.remove(id)
                let leave = try statement(HotSQL.leaveLine)
                leave.bind(1, id)
                leave.bind(2, group.turn(after: count))
                leave.bind(3, isIdle ? "idle" : "full")
                try leave.execute()
            } else {
                try update.execute(id, group.turn(after: count))
            }
        }
        try statement("UPDATE stint_queues SET turn = ?2 WHERE id = ?1").execute(
            queue.id, turn &+ newcomers &* GroupInLine.newcomerStride)
    }

    /// The next groups of the line, as many as a claim serves if very many wait.
    private func groups(of queue: ClaimableQueue, after last: GroupInLine?) throws -> [GroupInLine] {
        let hasLoad = queue.limits.groupConcurrency != nil
        let sql =
            !hasLoad
            ? HotSQL.groupsInLine
            : queue.limits.isStrict ? HotSQL.groupsInLineWithLoad : HotSQL.groupsInLineWithCount
        return try statement(sql).rows(
            queue.id, last?.firstTurn ?? .min, last?.id ?? .min, Int64(Self.width(of: queue))
        ) { GroupInLine($0, queueTurn: queue.turn, hasLoad: hasLoad) }
    }

    /// How many groups a claim serves if very many wait.
    private static func width(of queue: ClaimableQueue) -> Int { (queue.room + queue.quantum - 1) / queue.quantum }

    private func read(
        _ group: inout GroupInLine, _ count: Int, of queue: ClaimableQueue, _ index: Int, _ first: Statement,
        _ next: Statement, skipsSuspects: Bool
    ) throws {
        let (priority, job) = group.lastRead
        let room = min(count, group.room!.count - group.found)
        guard room > 0 else {
            group.isComplete = true
            return
        }
        // One more, to know whether any are left.
        let id = group.id
        var found = try candidates(of: queue.id) {
            guard group.found > 0 || skipsSuspects else {
                return try first.rows(queue.id, id, Int64(room) + 1) { Candidate($0, queue: index) }
            }
            return try next.rows(queue.id, id, priority, job, Int64(room) + 1) { Candidate($0, queue: index) }
        }
        // A group with jobs that wait for their end as expired stays in the line: others may come behind them.
        let hasMore = found.isCut || found.rows.count > room
        found.rows.removeLast(max(0, found.rows.count - room))
        group.add(found.rows, isLast: !hasMore && !skipsSuspects, hasMore: hasMore)
    }

    // MARK: - The limits of groups

    /// How many jobs of the group its limits allow now.
    func room(of group: Int64, in queue: ClaimableQueue) throws -> GroupRoom {
        guard queue.limits.groupConcurrency != nil else { return try room(of: group, GroupLoad(), in: queue) }
        let load = try statement(HotSQL.loadOfGroup).first(group) { GroupLoad($0, from: 0) } ?? GroupLoad()
        return try room(of: group, load, in: queue)
    }

    private func room(of group: Int64, _ load: GroupLoad, in queue: ClaimableQueue) throws -> GroupRoom {
        let limits = queue.limits
        guard limits.limitsGroups, group != queue.ungrouped else { return .count(.max) }
        var room = load.left(of: limits.groupConcurrency, isLimited: true)
        // In a strict order the group waits for its job that is to be tried again.
        if room <= 0 || limits.isStrict && load.isHeld { return .full }
        if let rate = limits.groupRate {
            let left = try startsLeft(rate, queue: queue.id, group: group)
            if left <= 0 { return .paced(until: try nextStart(rate, queue: queue.id, group: group)) }
            room = min(room, left)
        }
        return .count(room)
    }

    /// Takes a group out of the line.
    func stop(_ group: Int64, _ room: GroupRoom) throws {
        groupsInLine.remove(group)
        let update = try statement("UPDATE stint_groups SET state = ?2, resume_at = ?3 WHERE id = ?1")
        update.bind(1, group)
        switch room {
        case .idle: update.bind(2, "idle")
        case .full: update.bind(2, "full")
        case .paced: update.bind(2, "paced")
        case .count: update.bind(2, "waiting")
        }
        update.bind(3, room.resumeAt)
        try update.execute()
    }

    /// Puts the groups back into the line whose rate allows them a start again. A time that lies further ahead than the
    /// rate's window is of an earlier boot.
    func resumePaced(_ queue: ClaimableQueue) throws {
        guard let rate = queue.limits.groupRate else { return }
        try statement(HotSQL.resumePaced)
            .execute(queue.id, now.monotonic, rate.window.milliseconds, queue.turn, Int64(Self.stopsPerClaim))
    }

    /// Without turns: by priority, past the jobs of groups at their limit.
    func byPriorityWithinLimits(_ queue: ClaimableQueue, _ index: Int, skipsSuspects: Bool) throws -> Choice {
        try resumePaced(queue)
        var rooms: [Int64: Int] = [:]
        var choice = Choice()
        var last: (Int64, Int64) = (.min, .min)
        var pages = 0
        // A group whose last place is taken is passed by the next claim without being read.
        while choice.rows.count < queue.room && (pages < Self.pagesPerClaim || choice.rows.isEmpty) {
            pages += 1
            let (rows, isCut) = try candidates(of: queue.id) {
                try self.statement(
                    skipsSuspects && !queue.limits.isStrict ? HotSQL.innocentsWithinLimits : HotSQL.jobsWithinLimits
                )
                .rows(queue.id, last.0, last.1, Int64(queue.room)) { Candidate($0, queue: index) }
            }
            for row in rows where choice.rows.count < queue.room {
                guard let group = row.group else {
                    choice.rows.append(row)
                    continue
                }
                if rooms[group] == nil {
                    let room = try room(of: group, in: queue)
                    if room.isEmpty { try stop(group, room) }
                    rooms[group] = room.count
                }
                // In a strict order nothing of the group goes ahead of it.
                if skipsSuspects && row.suspect && group != queue.ungrouped { rooms[group] = 0 }
                if rooms[group]! > 0 && !(skipsSuspects && row.suspect) {
                    choice.rows.append(row)
                    rooms[group]! -= 1
                }
            }
            guard let end = rows.last, !isCut, rows.count == queue.room else { break }
            last = (end.priority, end.id)
        }
        return choice
    }

    // MARK: - Rates

    /// The starts of the last window are counted in a thousand parts of it. Each is counted at the end of its part, so
    /// that no window of that length, wherever it begins, ever has more than allowed.
    private static func part(of rate: Rate) -> Int64 { max(1, rate.window.milliseconds / 1_000) }

    func startsLeft(_ rate: Rate, queue: Int64, group: Int64) throws -> Int {
        try clampStarts(rate, queue: queue, group: group)
        return max(0, rate.starts - (try startsInWindow(rate, queue: queue, group: group)))
    }

    /// Starts of an earlier boot, whose clock was ahead, count from now on, all of them.
    func clampStarts(_ rate: Rate, queue: Int64, group: Int64) throws {
        let latest = now.monotonic + Self.part(of: rate)
        let ahead = try statement(HotSQL.startsAhead).first(queue, group, latest) { $0.optionalInt(0) } ?? nil
        guard let ahead else { return }
        try statement(HotSQL.deleteStartsAhead).execute(queue, group, latest)
        try statement(HotSQL.addStarts).execute(queue, group, latest, ahead)
        guard group == 0 else { return }
        // The first claim of this boot: those of its groups begin at the same time.
        let groups = try statement("SELECT DISTINCT group_id FROM stint_starts WHERE queue_id = ?1 AND group_id <> 0")
            .rows(queue) { $0.int(0) }
        for group in groups { try clampStarts(rate, queue: queue, group: group) }
    }

    func startsInWindow(_ rate: Rate, queue: Int64, group: Int64) throws -> Int {
        let started = try statement(HotSQL.startsInWindow)
            .first(queue, group, now.monotonic - rate.window.milliseconds) { $0.int(0) }
        return Int(clamping: started ?? 0)
    }

    /// When the rate allows the next start, by the monotonic clock. A time that lies further ahead than the rate's
    /// window is of an earlier boot: a claim sets that right.
    func nextStart(_ rate: Rate, queue: Int64, group: Int64) throws -> Int64 {
        let window = rate.window.milliseconds
        let oldest = try statement(HotSQL.oldestStart).first(queue, group, now.monotonic - window) { $0.int(0) }
        return (oldest ?? now.monotonic - window) + window
    }

    private func countStarts(_ count: Int, _ rate: Rate, queue: Int64, group: Int64) throws {
        let part = Self.part(of: rate)
        let at = (now.monotonic / part + 1) * part
        try statement(HotSQL.deleteStarts).execute(queue, group, now.monotonic - rate.window.milliseconds)
        try statement(HotSQL.addStarts).execute(queue, group, at, Int64(count))
    }
}
