import StintCore

/// Enqueues and exchanges in one round trip each, for the cases that ``HotSQL`` covers.
extension PostgresStore {
    /// In front of the statements of a pipeline: the time, if a test moves the clock.
    private var setClock: [PostgresStatement] {
        clock.map { [JobTransaction.setClock($0.now())] } ?? []
    }

    // MARK: - Enqueue

    /// - Returns: `nil` if some of the jobs have a key or a group, or a queue is not known yet.
    func enqueueAtOnce(_ jobs: [NewJob]) async throws -> [Enqueued]? {
        guard
            jobs.allSatisfy({
                $0.options.uniqueKey == nil && $0.options.idempotencyKey == nil && $0.options.group == nil
            })
        else { return nil }
        let queues = knownQueues.ids(of: jobs.map(\.queue)).compactMap { $0 }
        guard queues.count == jobs.count else { return nil }
        do {
            let placed = zip(jobs, queues).map { PlacedJob(job: $0, queue: $1) }
            return try await enqueues.run(placed) { try await self.enqueue($0.map(\.job), in: $0.map(\.queue)) }
        } catch is UnknownQueue {
            knownQueues.forget()
            return nil
        }
    }

    /// A job with its queue's id.
    struct PlacedJob: Sendable {
        let job: NewJob
        let queue: Int64
    }

    /// A queue has another id than was known. Nothing was changed.
    private struct UnknownQueue: Error {}

    private func enqueue(_ jobs: [NewJob], in queues: [Int64]) async throws -> [Enqueued] {
        let options = jobs.map(\.options)
        let names = Dictionary(zip(queues, jobs.map(\.queue.description))) { $1 }.sorted { $0.key < $1.key }
        let statement = PostgresStatement(
            HotSQL.enqueue,
            [
                .int32s(queues.map { Int32(clamping: $0) }), .ints(options.map { Int64($0.priority) }),
                .int32s(options.map { Int32(clamping: $0.maxAttempts) }),
                .int32s(options.map { Int32(clamping: $0.maxCrashes) }),
                .ints(options.map { $0.timeToRun?.milliseconds }), .ints(options.map { $0.delay.milliseconds }),
                .ints(options.map { $0.expires?.milliseconds }), .texts(jobs.map(\.contentType)),
                .texts(options.map(\.headers.storedText)), .byteArrays(jobs.map(\.payload)),
                .int32s(names.map { Int32(clamping: $0.key) }), .texts(names.map(\.value)),
            ])
        let ids = try await connections.run(setClock + [statement]).last?.map { try $0.int(0) } ?? []
        guard ids.count == jobs.count else { throw UnknownQueue() }
        announcer.announce(StoreChange(wakes: Set(queues), isAny: true))
        return ids.map { Enqueued(id: JobID(rawValue: $0), outcome: .added) }
    }

    // MARK: - Exchange

    /// - Returns: `nil` if a settlement is more than an ack, or the claim has several queues or one that is known to have
    ///   limits or groups.
    func exchangeAtOnce(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange? {
        guard settlements.allSatisfy({ $0.outcome == .ack && $0.followUps.isEmpty }) else { return nil }
        guard let request else {
            return Exchange(answers: try await acks.run(settlements) { try await self.acknowledge($0) })
        }
        guard request.job == nil, Set(request.queues).count == 1 else { return nil }
        guard let queue = knownQueues.id(of: request.queues[0]), !knownQueues.isSpecial(queue) else { return nil }
        let look = watermarks.look(at: queue, isClaim: true)
        let lock = PostgresStatement(
            HotSQL.lockAndPromote,
            [
                .int32(Int32(clamping: queue)), .int(JobTransaction.promotionsPerClaim),
                .int(request.registration?.rawValue),
            ])
        let acks = settlements.isEmpty ? [] : [Self.acknowledgement(settlements)]
        let rows = try await connections.run(setClock + [lock] + acks + [Self.claim(request, from: queue, look)])
            .suffix(acks.count + 2)
        var change = StoreChange()
        var exchange = Exchange()
        let (promoted, claimed) = (rows[rows.startIndex], rows[rows.endIndex - 1])
        if !settlements.isEmpty {
            exchange.answers = try Self.answers(settlements, rows[rows.startIndex + 1], &change)
        }
        if try promoted.first?.int(2) ?? 0 > 0 { change.merge(StoreChange(wakes: [queue], isAny: true)) }
        let isPlain = try claimed.first?.bool(0) == true
        if let first = claimed.first, isPlain, try !first.bool(1) {
            if try first.bool(16) {
                try watermarks.hasTaken(
                    claimed.compactMap { row in try row.optionalInt(5).map { (try row.int(6), $0) } }, look, at: queue,
                    Watermarks.Cost(microseconds: first.int(17), workers: first.int(18)))
            }
            exchange.isCut = try first.bool(2)
            exchange.jobs = await jobs(claimed, of: request.queues[0])
            if !exchange.jobs.isEmpty { change.isAny = true }
            announcer.announce(change)
            return exchange
        }
        announcer.announce(change)
        if !isPlain { knownQueues.note(queue, isSpecial: true) }
        return await claimAfterwards(request, exchange)
    }

    /// The claim of an exchange whose settlements have been committed. If it fails, they must be answered all the same,
    /// and the next claim gets the error.
    private func claimAfterwards(_ request: ClaimRequest, _ settled: Exchange) async -> Exchange {
        do {
            var exchange = try await self.change { try await $0.exchange([], for: request) }
            exchange.answers = settled.answers
            return exchange
        } catch {
            logger.warning("a claim failed after its settlements were committed", metadata: ["error": "\(error)"])
            return settled
        }
    }

    private func acknowledge(_ settlements: [Settlement]) async throws -> [Settlement.Answer] {
        var change = StoreChange()
        let rows = try await connections.run(setClock + [Self.acknowledgement(settlements)])
        let answers = try Self.answers(settlements, rows[rows.endIndex - 1], &change)
        announcer.announce(change)
        return answers
    }

    private static func acknowledgement(_ settlements: [Settlement]) -> PostgresStatement {
        PostgresStatement(
            HotSQL.acknowledge,
            [
                .ints(settlements.map(\.lease.token.rawValue)), .ints(settlements.map(\.lease.job.rawValue)),
            ])
    }

    private static func claim(
        _ request: ClaimRequest, from queue: Int64, _ look: Watermarks.Look
    ) -> PostgresStatement {
        PostgresStatement(
            HotSQL.claim,
            [
                .int32(Int32(clamping: queue)), .int(Int64(request.limit)), .int(Int64(request.idleSlots)),
                .int(Int64(request.budget.bytes)), .int(request.duration.milliseconds),
                .int(request.registration?.rawValue), .text(request.worker.storable),
                .text(request.queues[0].description),
            ] + look.parameters)
    }

    private static func answers(
        _ settlements: [Settlement], _ acked: PostgresRows, _ change: inout StoreChange
    ) throws -> [Settlement.Answer] {
        var done: Set<Lease> = []
        for row in acked {
            done.insert(
                Lease(job: JobID(rawValue: try row.int(1)), token: FencingToken(rawValue: try row.int(0))))
            if try row.bool(3) { change.wakes.insert(try row.int(2)) }
        }
        if !done.isEmpty { change.isAny = true }
        // A second ack of a job has no lease any more.
        return settlements.map { done.remove($0.lease) == nil ? .leaseLost : .settled(.done) }
    }

    /// Reads the rows of ``HotSQL/claim``. The claim is committed, with the settlements before it: an error must not keep
    /// their answers from the caller, so jobs that cannot be read are given back.
    private func jobs(_ rows: PostgresRows, of queue: QueueName) async -> [LeasedJob] {
        var jobs: [LeasedJob] = []
        var unread: [Settlement] = []
        do {
            let rows = try rows.filter { try $0.optionalInt(5) != nil }
            let events = await events(ofDigests: try rows.filter { try $0.bool(12) }.map { try $0.int(5) })
            for row in rows {
                let lease = Lease(job: JobID(rawValue: try row.int(5)), token: FencingToken(rawValue: try row.int(4)))
                guard let mine = try row.bool(12) ? events?[lease.job.rawValue, default: []] : [] else {
                    unread.append(Settlement(lease, .release(after: .zero)))
                    continue
                }
                do {
                    jobs.append(try Self.job(row, lease, of: queue, mine))
                } catch {
                    unread.append(Settlement(lease, .bury(reason: "its stored headers cannot be read: \(error)")))
                }
            }
            if !unread.isEmpty { _ = try await change { [unread] in try await $0.settle(unread) } }
        } catch {
            logger.warning(
                "claimed jobs could not be read or given back; those come back when their lease has run out",
                metadata: ["jobs": "\(unread.map(\.lease.job))", "error": "\(error)"])
        }
        return jobs
    }

    /// - Returns: `nil` if they cannot be read.
    private func events(ofDigests digests: [Int64]) async -> [Int64: [[UInt8]]]? {
        guard !digests.isEmpty else { return [:] }
        do {
            let statement = JobTransaction.events(ofJobs: .ints(digests))
            return try JobTransaction.events(try await connections.run([statement], isReading: true)[0])
        } catch {
            logger.warning(
                "the events of claimed digests could not be read; these are given back",
                metadata: ["jobs": "\(digests)", "error": "\(error)"])
            return nil
        }
    }

    private static func job(
        _ row: PostgresRow, _ lease: Lease, of queue: QueueName, _ events: [[UInt8]]
    ) throws -> LeasedJob {
        let payload = try row.bytes(15)
        let (wall, expiresAt) = (try row.int(3), try row.optionalInt(8))
        return LeasedJob(
            lease: lease, queue: queue, payload: payload, contentType: try row.text(13),
            headers: try Headers(storedText: try row.optionalText(14)), priority: UInt32(clamping: try row.int(6)),
            attempt: Int(clamping: try row.int(7) + 1), maxAttempts: Int(clamping: try row.int(9)),
            timeToRun: try row.optionalInt(10).map { .milliseconds($0) }, enqueuedAt: try row.int(11),
            runsAlone: false, events: try row.bool(12) ? [payload] + events : nil, expiresAt: expiresAt,
            expiresIn: expiresAt.map { .milliseconds($0 - wall) })
    }
}
