import NIOCore
import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Broker {
    /// Smaller priorities are urgent, as in beanstalkd.
    private static let urgent: UInt32 = 1_024
    /// How many pages of urgent jobs are counted, of a thousand each.
    private static let urgentPages = 100

    /// The counts of the store's queues that are tubes. Takes note of which tubes have jobs.
    @discardableResult
    func countJobs() async throws -> [QueueName: QueueStats] {
        var stats = try await store.stats().filter { isTube($0.name) }
        let waiting = stats.filter { $0.delayed > 0 }
        if !waiting.isEmpty {
            for queue in waiting { try await promote(in: queue.name) }
            stats = try await store.stats().filter { isTube($0.name) }
        }
        let byName = Dictionary(uniqueKeysWithValues: stats.map { ($0.name, $0) })
        tubes.setJobs(byName.mapValues { $0.unfinished + $0.buried })
        return byName
    }

    /// Whether clients can name the queue.
    func isTube(_ name: QueueName) -> Bool {
        TubeName.isTube(name) && options.groupSeparator.map { !$0.isIn(name) } ?? true
    }

    /// A queue that was named before the separator was chosen.
    func warnOfHiddenQueues() async throws {
        guard let separator = options.groupSeparator else { return }
        let hidden = try await store.stats().filter {
            TubeName.isTube($0.name) && separator.isIn($0.name) && $0.unfinished + $0.buried > 0
        }
        guard !hidden.isEmpty else { return }
        logger.warning(
            "clients cannot reach these queues, whose names have the separator of groups",
            metadata: ["queues": "\(hidden.prefix(10).map(\.name))", "count": "\(hidden.count)"])
    }

    /// How many of a queue's ready jobs are urgent. They come first, so mostly a look at the first and the last is enough.
    private func urgentJobs(in queue: QueueStats) async throws -> Int {
        guard queue.ready > 0 else { return 0 }
        var filter = JobFilter(queue: queue.name, state: .ready, limit: 1)
        guard let first = try await store.page(filter, after: nil).jobs.first, first.priority < Self.urgent else {
            return 0
        }
        filter.isReversed = true
        if let last = try await store.page(filter, after: nil).jobs.first, last.priority < Self.urgent {
            return queue.ready
        }
        filter.isReversed = false
        filter.limit = JobFilter.maximumLimit
        var (count, cursor) = (0, JobCursor?.none)
        for _ in 0..<Self.urgentPages {
            let page = try await store.page(filter, after: cursor)
            let urgent = page.jobs.prefix { $0.priority < Self.urgent }.count
            count += urgent
            guard urgent == page.jobs.count, let next = page.next else { break }
            cursor = next
        }
        return count
    }

    func listTubes() async throws -> Reply {
        try await countJobs()
        return .ok(YAML.list(tubes.names))
    }

    // MARK: - A job

    func statistics(of id: JobID) async throws -> Reply {
        guard let job = try await record(of: id) else { return .notFound }
        let now = NIODeadline.now()
        let note = notes[id]
        var (state, timeLeft) = ("ready", Int64(0))
        switch job.state {
        case .ready, .done, .cancelled, .expired: break
        case .delayed where Self.isDue(job): break
        case .delayed:
            state = "delayed"
            timeLeft = Self.seconds(until: job.runAt)
        case .leased:
            state = "reserved"
            if let holder = holders[id], let deadline = connections[holder]?.session.reserved[id]?.deadline {
                timeLeft = max(0, (deadline - now).nanoseconds / 1_000_000_000)
            } else {
                timeLeft = Self.seconds(until: job.leaseExpiresAt)
            }
        case .buried: state = "buried"
        }
        let timeToRun = job.timeToRun?.components.seconds ?? Self.standardTimeToRun.nanoseconds / 1_000_000_000
        let values: [(String, String)] = [
            ("id", "\(id)"), ("tube", "\(job.queue)"), ("state", state), ("pri", "\(job.priority)"),
            ("age", "\(max(0, Int(Date().timeIntervalSince(job.enqueuedAt))))"), ("delay", "\(note.delay)"),
            ("ttr", "\(timeToRun)"), ("time-left", "\(timeLeft)"), ("file", "0"), ("reserves", "\(note.reserves)"),
            ("timeouts", "\(note.timeouts)"), ("releases", "\(note.releases)"), ("buries", "\(note.buries)"),
            ("kicks", "\(note.kicks)"),
        ]
        return .ok(YAML.dictionary(values))
    }

    private static func seconds(until date: Date?) -> Int64 {
        max(0, Int64(date?.timeIntervalSinceNow ?? 0))
    }

    // MARK: - A tube

    func statistics(of name: QueueName) async throws -> Reply {
        let stats = try await countJobs()[name]
        guard let tube = tubes[name] else { return .notFound }
        var urgent = 0
        if let stats { urgent = try await urgentJobs(in: stats) }
        let pauseLeft = tube.pausedUntil.map { max(0, ($0 - .now()).nanoseconds / 1_000_000_000) } ?? 0
        let values: [(String, Int)] = [
            ("current-jobs-urgent", urgent), ("current-jobs-ready", stats?.ready ?? 0),
            ("current-jobs-reserved", stats?.leased ?? 0), ("current-jobs-delayed", stats?.delayed ?? 0),
            ("current-jobs-buried", stats?.buried ?? 0), ("total-jobs", tube.totalJobs),
            ("current-using", tube.using), ("current-watching", tube.watching),
            ("current-waiting", line.waiting[name] ?? 0), ("cmd-delete", tube.deletes),
            ("cmd-pause-tube", tube.pauses), ("pause", Int(tube.pause)), ("pause-time-left", Int(pauseLeft)),
        ]
        return .ok(YAML.dictionary([("name", "\(name)")] + values.map { ($0.0, "\($0.1)") }))
    }

    // MARK: - The server

    func statistics() async throws -> Reply {
        let stats = try await countJobs()
        var urgent = 0
        for queue in stats.values { urgent += try await urgentJobs(in: queue) }
        func sum(_ count: (QueueStats) -> Int) -> String { "\(stats.values.reduce(0) { $0 + count($1) })" }
        var values: [(String, String)] = [
            ("current-jobs-urgent", "\(urgent)"), ("current-jobs-ready", sum(\.ready)),
            ("current-jobs-reserved", sum(\.leased)), ("current-jobs-delayed", sum(\.delayed)),
            ("current-jobs-buried", sum(\.buried)),
        ]
        for verb in Verb.allCases {
            if let name = verb.statisticsName { values.append(("cmd-\(name)", "\(counts[verb])")) }
        }
        let usage = ProcessUsage.current
        let system = SystemName.current
        let sessions = connections.values.lazy.map(\.session)
        values += [
            ("job-timeouts", "\(counts.timeouts)"), ("total-jobs", "\(counts.jobs)"),
            ("max-job-size", "\(options.largestJob)"), ("current-tubes", "\(tubes.names.count)"),
            ("current-connections", "\(connections.count)"),
            ("current-producers", "\(sessions.count { $0.isProducer })"),
            ("current-workers", "\(sessions.count { $0.isWorker })"), ("current-waiting", "\(line.count)"),
            ("total-connections", "\(counts.connections)"), ("pid", "\(getpid())"),
            ("version", "\"1.12\""), ("rusage-utime", usage.user), ("rusage-stime", usage.system),
            ("uptime", "\((NIODeadline.now() - startedAt).nanoseconds / 1_000_000_000)"),
            // There is no such log: the store keeps the jobs.
            ("binlog-oldest-index", "0"), ("binlog-current-index", "0"), ("binlog-records-migrated", "0"),
            ("binlog-records-written", "0"), ("binlog-max-size", "\(options.binlogSize)"),
            ("draining", "\(isDraining)"), ("id", serverID), ("hostname", system.host), ("os", system.version),
            ("platform", system.machine),
        ]
        return .ok(YAML.dictionary(values))
    }
}
