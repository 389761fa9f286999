import StintCore

/// Groups, their turns, and the limits of queues. For the rules see ``QueueLimits``.
extension InMemoryState {
    /// A group of a queue; the jobs without a group are the one without a name.
    struct GroupKey: Hashable, Sendable {
        let queue: QueueName
        let name: [UInt8]

        init(_ queue: QueueName, _ name: String?) {
            self.queue = queue
            self.name = Array((name ?? "").utf8)
        }

        var isUngrouped: Bool { name.isEmpty }
    }

    struct Group: Sendable {
        /// How far a job of a group of weight 1 moves its turn ahead.
        static let stride: Int64 = 1_000_000

        var weight: Int64 = 1
        var turn: Int64 = 0
        /// Whether it waits for its turn: it may have a job that can be claimed.
        var isInLine = false
    }

    /// Claims of a queue or group with a rate.
    struct Start: Sendable {
        let queue: QueueName
        /// `nil`: counted for the whole queue.
        let group: GroupKey?
        let at: Int64
    }

    private func group(of job: Job) -> GroupKey { GroupKey(job.queue, job.options.group) }

    /// Lets the group of a job wait for its turn, just before the group that was served last. It has no credit from the
    /// time when it did nothing.
    mutating func putInLine(_ id: JobID) {
        guard let job = jobs[id] else { return }
        let key = group(of: job)
        if job.options.group != nil { queues[job.queue]!.hasGroups = true }
        if groupOrder[key] == nil { groupOrder[key] = groupOrder.count }
        guard groups[key]?.isInLine != true else { return }
        groups[key, default: Group()].isInLine = true
        groups[key]!.turn = max(groups[key]!.turn, queues[job.queue]!.turn - 1)
    }

    /// How many jobs of a queue its limits allow now.
    func room(in name: QueueName, _ request: ClaimRequest, _ limit: Int, _ now: StoreTime) -> Int {
        let limits = queues[name]!.limits
        guard limits.isLimited else { return limit }
        var room = min(limit, request.idleSlots)
        if let concurrency = limits.concurrency { room = min(room, concurrency - running { $0.queue == name }) }
        if let rate = limits.rate { room = min(room, startsLeft(rate, name, nil, now)) }
        return max(0, room)
    }

    /// Whether the limits of its group allow another job now.
    func hasRoom(inGroupOf job: Job, _ now: StoreTime) -> Bool { room(of: group(of: job), now) > 0 }

    private func running(_ isCounted: (Job) -> Bool) -> Int {
        jobs.values.count { job in
            if case .leased = job.place { return isCounted(job) }
            return false
        }
    }

    private func room(of key: GroupKey, _ now: StoreTime) -> Int {
        let limits = queues[key.queue]!.limits
        guard !key.isUngrouped else { return .max }
        var room = Int.max
        if let concurrency = limits.groupConcurrency {
            room = concurrency - running { group(of: $0) == key }
            if limits.isStrict, isHeld(key) { return 0 }
        }
        if let rate = limits.groupRate { room = min(room, startsLeft(rate, key.queue, key, now)) }
        return max(0, room)
    }

    /// Whether a job of the group waits for its retry.
    private func isHeld(_ key: GroupKey) -> Bool {
        jobs.values.contains { job in
            if case .delayed = job.place { return job.holdsGroup && group(of: job) == key }
            return false
        }
    }

    // MARK: - Claims

    /// The jobs of a queue that a claim takes, in order.
    mutating func choices(of name: QueueName, _ ready: [Job], _ room: Int, skipsSuspects: Bool, _ now: StoreTime)
        -> [Job]
    {
        let queue = queues[name]!
        let isStrict = queue.limits.isStrict
        guard queue.hasGroups else {
            return Array((skipsSuspects ? ready.filter { !$0.isSuspect } : ready).prefix(room))
        }
        var lines: [GroupKey: ArraySlice<Job>] = [:]
        for job in ready { lines[group(of: job), default: []].append(job) }
        for (key, line) in lines {
            var line = line.prefix(self.room(of: key, now))
            if skipsSuspects {
                line = isStrict && !key.isUngrouped ? line.prefix { !$0.isSuspect } : line.filter { !$0.isSuspect }[...]
            }
            lines[key] = line
        }
        guard queue.limits.isFair else {
            return Array(lines.values.joined().sorted(by: Self.goesBefore).prefix(room))
        }
        // Groups at their limit are out of the line until one of their jobs ends.
        for key in groups.keys where key.queue == name && lines[key]?.isEmpty != false { groups[key]!.isInLine = false }
        var turns = lines.keys.filter { !lines[$0]!.isEmpty }.map { (key: $0, turn: groups[$0]?.turn ?? 0) }
        var chosen: [Job] = []
        while chosen.count < room,
            let next = turns.indices.min(by: {
                (turns[$0].turn, order(turns[$0].key)) < (turns[$1].turn, order(turns[$1].key))
            })
        {
            chosen.append(lines[turns[next].key]!.removeFirst())
            turns[next].turn = max(turns[next].turn, queue.turn) + step(of: turns[next].key)
            if lines[turns[next].key]!.isEmpty { turns.remove(at: next) }
        }
        return chosen
    }

    private func step(of key: GroupKey) -> Int64 { Group.stride / (groups[key]?.weight ?? 1) }

    /// The order of groups whose turns are the same: that in which they were made.
    private func order(_ key: GroupKey) -> Int { groupOrder[key] ?? .max }

    static func goesBefore(_ one: Job, _ other: Job) -> Bool {
        (one.options.priority, one.id.rawValue) < (other.options.priority, other.id.rawValue)
    }

    /// After a claim has taken a job.
    mutating func serve(_ job: Job, _ now: StoreTime) {
        let key = group(of: job)
        let limits = queues[job.queue]!.limits
        for (rate, group) in [(limits.rate, nil), (limits.groupRate, key)] {
            guard let rate else { continue }
            let start = now.monotonic - rate.window.wholeMilliseconds
            starts.removeAll { $0.queue == job.queue && $0.group == group && $0.at <= start }
        }
        if limits.rate != nil { starts.append(Start(queue: job.queue, group: nil, at: now.monotonic)) }
        if limits.groupRate != nil, !key.isUngrouped {
            starts.append(Start(queue: job.queue, group: key, at: now.monotonic))
        }
        guard queues[job.queue]!.hasGroups, limits.isFair else { return }
        // One that has just come goes first. It moves the turn a little, so that others do not wait for ever if new groups
        // come all the time.
        let isNew = groups[key]?.turn ?? 0 < queues[job.queue]!.turn
        let turn = max(queues[job.queue]!.turn, groups[key]?.turn ?? 0) + (isNew ? Group.stride / 100 : 0)
        groups[key, default: Group()].turn = max(groups[key]?.turn ?? 0, queues[job.queue]!.turn) + step(of: key)
        queues[job.queue]!.turn = turn
    }

    // MARK: - Rates

    private func startsLeft(_ rate: Rate, _ name: QueueName, _ key: GroupKey?, _ now: StoreTime) -> Int {
        rate.starts - startsInWindow(rate, name, key, now).count
    }

    private func startsInWindow(_ rate: Rate, _ name: QueueName, _ key: GroupKey?, _ now: StoreTime) -> [Start] {
        starts.filter { $0.queue == name && $0.group == key && $0.at > now.monotonic - rate.window.wholeMilliseconds }
    }

    /// In how many milliseconds the limits of a queue allow a start of one of these ready jobs: 0 if now, `nil` if not
    /// before a job ends.
    func nextStart(of name: QueueName, _ ready: [Job], _ now: StoreTime) -> Int64? {
        let limits = queues[name]!.limits
        guard limits.isLimited else { return 0 }
        if let concurrency = limits.concurrency, running({ $0.queue == name }) >= concurrency { return nil }
        func wait(_ rate: Rate?, _ key: GroupKey?) -> Int64 {
            guard let rate, startsLeft(rate, name, key, now) <= 0 else { return 0 }
            let oldest = startsInWindow(rate, name, key, now).map(\.at).min() ?? now.monotonic
            return max(0, oldest + rate.window.wholeMilliseconds - now.monotonic)
        }
        let waits = Set(ready.map(group(of:))).compactMap { key -> Int64? in
            guard !key.isUngrouped else { return 0 }
            if let concurrency = limits.groupConcurrency {
                if running({ group(of: $0) == key }) >= concurrency || limits.isStrict && isHeld(key) { return nil }
            }
            return wait(limits.groupRate, key)
        }
        return waits.min().map { max($0, wait(limits.rate, nil)) }
    }

    // MARK: - For people

    mutating func setWeight(_ weight: Int, ofGroup group: String, in name: QueueName) {
        makeQueue(name)
        queues[name]!.hasGroups = true
        let key = GroupKey(name, group)
        if groupOrder[key] == nil { groupOrder[key] = groupOrder.count }
        groups[key, default: Group()].weight = Int64(weight)
    }

    func groups(of name: QueueName, limit: Int, _ now: StoreTime) -> [GroupStats] {
        let all = groups.filter { $0.key.queue == name }.map { key, group in
            let mine = jobs.values.filter { self.group(of: $0) == key }
            return GroupStats(
                name: key.isUngrouped ? nil : String(decoding: key.name, as: UTF8.self), weight: Int(group.weight),
                ready: mine.count { $0.place.state == .ready }, running: mine.count { $0.place.state == .leased },
                waitReason: waitReason(of: key, now))
        }
        func place(_ group: GroupStats) -> (Int, [UInt8]) {
            (group.ready + group.running > 0 ? 0 : 1, Array((group.name ?? "").utf8))
        }
        return Array(
            all.sorted { one, other in
                let (one, other) = (place(one), place(other))
                return one.0 != other.0 ? one.0 < other.0 : one.1.lexicographicallyPrecedes(other.1)
            }.prefix(limit))
    }

    func details(of name: QueueName, _ now: StoreTime) -> QueueDetails? {
        guard let queue = queues[name], let stats = stats().first(where: { $0.name == name }) else { return nil }
        let rate = queue.limits.rate
        return QueueDetails(
            stats: stats, retention: queue.retention,
            startsInWindow: rate.map { startsInWindow($0, name, nil, now).count } ?? 0,
            nextStart: untilNextStart(rate, name, nil, now),
            groups: groups.keys.count { $0.queue == name && !$0.isUngrouped },
            search: queue.isSearched ? QueueSearch(jobs: 0, bytes: 0, isBehind: false) : nil)
    }

    func waitReason(of id: JobID, _ now: StoreTime) -> WaitReason? {
        guard let job = jobs[id], let queue = queues[job.queue] else { return nil }
        switch job.place {
        // One whose time has come counts as ready, since claims take it.
        case .delayed(let time) where time > now.wall: return .delayed
        case .ready, .delayed: break
        case .leased, .buried, .done, .cancelled, .expired: return nil
        }
        if queue.isPaused { return .paused }
        if let reason = waitReason(of: group(of: job), now) { return reason }
        if let concurrency = queue.limits.concurrency {
            let running = running { $0.queue == job.queue }
            if running >= concurrency { return .queueFull(running: running, limit: concurrency) }
        }
        if let next = untilNextStart(queue.limits.rate, job.queue, nil, now) {
            return .rate(group: nil, nextStart: next)
        }
        return .turn
    }

    /// Which limit of groups allows none of its jobs a start now, if any.
    private func waitReason(of key: GroupKey, _ now: StoreTime) -> WaitReason? {
        guard !key.isUngrouped, let limits = queues[key.queue]?.limits else { return nil }
        let name = String(decoding: key.name, as: UTF8.self)
        if let concurrency = limits.groupConcurrency {
            let running = running { group(of: $0) == key }
            if running >= concurrency { return .groupFull(group: name, running: running, limit: concurrency) }
            let held = jobs.values.first { other in
                if case .delayed = other.place { return other.holdsGroup && group(of: other) == key }
                return false
            }
            if limits.isStrict, let held { return .groupWaits(group: name, for: held.id) }
        }
        return untilNextStart(limits.groupRate, key.queue, key, now).map { .rate(group: name, nextStart: $0) }
    }

    /// `nil`: the rate allows a start now.
    private func untilNextStart(_ rate: Rate?, _ name: QueueName, _ key: GroupKey?, _ now: StoreTime) -> Duration? {
        guard let rate else { return nil }
        let started = startsInWindow(rate, name, key, now)
        guard started.count >= rate.starts, let oldest = started.map(\.at).min() else { return nil }
        return .milliseconds(max(0, oldest + rate.window.wholeMilliseconds - now.monotonic))
    }
}
