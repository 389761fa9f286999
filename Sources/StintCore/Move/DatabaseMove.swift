/// Moves all jobs and settings of one database to another one, while both may be of any kind and all workers, servers and
/// producers run on.
///
/// 1. The source notes which jobs change; the target is closed to everybody else.
/// 2. All jobs are copied, then those that were noted, again and again, until few are left.
/// 3. Both are compared, job by job.
/// 4. All queues of the source are paused, until the last running job has ended.
/// 5. The source accepts only enqueues for some seconds (``MovableStore/freeze(_:for:)``). The rest is copied, with all settings,
///    and the numbers of jobs are compared.
/// 6. One row of the source says that it was moved: the commit point. Then the target is opened.
///
/// If this is killed before the commit point, the source is as before, but for queues that may be paused; the same move
/// continues, or ``abandon(_:)`` ends it. After the commit point every process that opens the source finds the target, and ends
/// the move (``MovedDatabase``).
package struct DatabaseMove {
    let source: any MovableStore
    let target: any MovableStore
    private let addresses: (source: String, target: String)
    let report: (Event) -> Void
    private(set) var lastCopied: JobID?
    private var copied = 0

    /// How far it is.
    package enum Event: Sendable, Equatable {
        case began
        case copied(jobs: Int)
        case compared(jobs: Int)
        case paused(running: Int)
        case frozen
        case committed(jobs: Int)
        case ended(forwarded: Int)
    }

    /// How long the source accepts only enqueues before all goes on. Copying what was noted last takes a part of it.
    private static let freezeTime: Duration = .seconds(30)
    /// So few notes are copied after the freeze.
    private static let fewNotes = 500
    private static let maximumNotes = 2_000
    /// How often the last steps are tried before the move gives up.
    static let attempts = 10

    /// - Parameters:
    ///   - source: The address of the source, as other processes open it from any folder.
    ///   - target: The same of the target. It was opened as that of the mover.
    package init(
        from source: any MovableStore, _ sourceAddress: String, to target: any MovableStore, _ targetAddress: String,
        report: @escaping (Event) -> Void
    ) {
        self.source = source
        self.target = target
        addresses = (sourceAddress, targetAddress)
        self.report = report
    }

    /// - Parameter patience: How long to wait for running jobs to end, while nothing is claimed. Then the queues go on, and
    ///   the move is as after a kill.
    /// - Throws: ``StintError``: the source is in use as before, unless the error says that the move was committed.
    package mutating func run(patience: Duration) async throws {
        let state = try await source.moveState(.out)
        if let state, state.phase == .moved {
            guard state.peer == addresses.target else { throw StintError.otherMove("the database", state) }
            return try await end(state.move)
        }
        if let state, state.peer != addresses.target { throw StintError.otherMove("the database", state) }
        let move = MoveID(state?.move.description ?? MoveID.newName(), run: MoveID.newName())
        try await source.beginMove(move, to: addresses.target)
        do { try await target.beginArrival(move, from: addresses.source) } catch {
            if state == nil { try await source.abandonMove(move) }
            throw error
        }
        report(.began)
        // An earlier one may have been killed while nothing was claimed.
        if state != nil { try await Self.resume(source, move, addresses.target) }
        try await copyAll()
        try await copyNoted()
        try await compare()
        do {
            try await commit(move, patience: patience)
        } catch {
            // The answer of the commit may be lost.
            guard try await source.moveState(.out)?.phase == .moved else {
                try await Self.resume(source, move, addresses.target)
                throw error
            }
        }
        try await end(move)
    }

    // MARK: - Copies

    private mutating func copyAll() async throws {
        var last: JobID?
        repeat {
            let page = try await source.exportJobs(of: nil, after: last, limit: StoredJob.maximumCount)
            try await copy(page.jobs.map(\.id), page.jobs)
            last = page.next
            report(.copied(jobs: copied))
        } while last != nil
    }

    private mutating func copy(_ ids: [JobID], _ jobs: [StoredJob]) async throws {
        guard !ids.isEmpty else { return }
        try await target.replaceJobs(ids, with: jobs)
        copied += jobs.count
        if let greatest = jobs.map(\.id).max() { lastCopied = max(lastCopied ?? greatest, greatest) }
    }

    /// Copies what was noted, until there are few notes.
    mutating func copyNoted() async throws {
        while try await copyNotedOnce() > Self.fewNotes { report(.copied(jobs: copied)) }
    }

    /// - Returns: The number of notes.
    @discardableResult
    private mutating func copyNotedOnce() async throws -> Int {
        let changes = try await source.notedChanges(limit: Self.maximumNotes)
        try await copy(changes.ids, changes.jobs)
        // After it is durable in the target.
        try await source.removeNotes(changes.notes)
        return changes.notes.count
    }

    // MARK: - The commit

    /// Why a queue is paused: tells the pauses of the move from those of people.
    private static func reason(_ move: MoveID, _ target: String) -> String {
        "it is being moved to \(withoutPassword(target)) (stint move, \(move))"
    }

    private mutating func commit(_ move: MoveID, patience: Duration) async throws {
        let end = ContinuousClock.now + patience
        for attempt in 1...Self.attempts {
            try await waitForRunning(move, until: end)
            // Of what has just ended.
            _ = try await source.notifyWebhooks()
            try await source.freeze(move, for: Self.freezeTime)
            report(.frozen)
            try await copySettings(move)
            for _ in 0..<Self.attempts {
                // Last, since enqueues go on, and may change a digest that was copied.
                for _ in 0..<Self.attempts {
                    try await copyNoted()
                    guard try await hasOldNotes() else { break }
                }
                try await copyIdempotencyKeys()
                if let difference = try await differenceOfCounts() {
                    // It is one if the time of the freeze is over, too.
                    guard attempt < Self.attempts else { throw difference }
                    break
                }
                if try await source.commitMove(move, lastCopied: lastCopied) { return }
            }
            try await source.freeze(move, for: .zero)
        }
        throw StintError(
            .databaseBusy,
            "the jobs did not stand still for long enough to be moved (\(Self.attempts) attempts), and all goes on as before: repeat the "
                + "move when there is less to do")
    }

    /// Whether a job that was copied has changed. Jobs that are enqueued meanwhile are forwarded after the move.
    private func hasOldNotes() async throws -> Bool {
        guard let lastCopied else { return false }
        return try await source.notedChanges(limit: Self.maximumNotes).ids.contains { $0 <= lastCopied }
    }

    private mutating func waitForRunning(_ move: MoveID, until end: ContinuousClock.Instant) async throws {
        while true {
            let stats = try await source.stats()
            for queue in stats where !queue.paused {
                var settings = QueueSettings()
                (settings.paused, settings.pauseReason) = (true, Self.reason(move, addresses.target))
                try await source.configure(queue.name, settings)
            }
            let running = stats.reduce(0) { $0 + $1.leased }
            report(.paused(running: running))
            if running == 0 && stats.allSatisfy(\.paused) { return }
            guard .now < end else {
                throw StintError(
                    .databaseBusy,
                    "\(running) jobs are still running, so the move was not made, and all goes on as before: repeat it with a longer "
                        + "--wait, or when they have ended")
            }
            try await copyNoted()
            try await source.sleep(for: .milliseconds(50))
        }
    }

    private func copySettings(_ move: MoveID) async throws {
        // What an earlier attempt has left.
        for schedule in try await target.schedules() { try await target.changeSchedule(schedule.name, .delete) }
        for webhook in try await target.webhooks() { try await target.deleteWebhook(webhook.name) }
        for queue in try await target.stats() where queue.paused {
            try await target.configure(queue.name, QueueSettings(paused: false))
        }
        let export = StoreExport(source, queues: nil, hasSecrets: true, version: "")
        var importing = StoreImport(into: target)
        let pause = Self.reason(move, addresses.target)
        let report = try await export.runWithoutJobs { line in
            if case .queue(let queue) = line {
                try await importing.take(.queue(queue.resumed(ifPausedFor: pause)))
            } else {
                try await importing.take(line)
            }
        }
        guard report.omissions.isEmpty else {
            throw StintError.invalidInput("the move was not made: " + report.omissions.joined(separator: "; "))
        }
        try await target.setScheduleTicks(try await source.scheduleTicks())
        try await target.raiseTokens(above: try await source.greatestToken())
    }

    private func copyIdempotencyKeys() async throws {
        var last: IdempotencyKeyRecord?
        repeat {
            let keys = try await source.idempotencyKeys(after: last, limit: StoredJob.maximumCount)
            // The others are of jobs that are forwarded, with new ids.
            try await target.addIdempotencyKeys(keys.filter { key in lastCopied.map { key.job <= $0 } ?? false })
            last = keys.last
        } while last != nil
    }

    /// Jobs that were enqueued since are in the source only.
    private func differenceOfCounts() async throws -> StintError? {
        let copies = Dictionary(uniqueKeysWithValues: try await target.stats().map { ($0.name, $0) })
        let originals = try await source.stats()
        let hasNew = try await !source.notedChanges(limit: Self.maximumNotes).jobs.isEmpty
        for queue in originals {
            let copy = copies[queue.name]
            let added = queue.waiting - (copy?.waiting ?? 0)
            guard queue.buried == copy?.buried ?? 0, added == 0 || added > 0 && hasNew else {
                return StintError(
                    .storageFailed,
                    "queue \(quoted(queue.name.description)) has \(queue.waiting) waiting and \(queue.buried) buried jobs, and its copy "
                        + "\(copy?.waiting ?? 0) and \(copy?.buried ?? 0): the move was not made; run stint doctor on both"
                )
            }
        }
        return nil
    }

    /// Ends the freeze, and the pauses that the move has made.
    private static func resume(_ source: any MovableStore, _ move: MoveID, _ target: String) async throws {
        if try await source.moveState(.out)?.phase == .frozen { try await source.freeze(move, for: .zero) }
        for queue in try await source.stats() where queue.pauseReason == reason(move, target) {
            try await source.configure(queue.name, QueueSettings(paused: false))
        }
    }

    private func end(_ move: MoveID) async throws {
        report(.committed(jobs: copied))
        let moved = MovedDatabase(source, move)
        try await moved.open(target)
        report(.ended(forwarded: try await moved.forward(to: target)))
    }

    // MARK: - Giving up

    /// Ends a move that was not committed. The target stays as it is, and is closed: it can be deleted.
    package static func abandon(_ source: any MovableStore) async throws {
        guard let state = try await source.moveState(.out) else {
            throw StintError.invalidInput("there is no move to give up: nothing was changed")
        }
        // First: if this is killed in between, it can be repeated.
        if state.phase != .moved { try await resume(source, state.move, state.peer) }
        try await source.abandonMove(state.move)
    }
}
