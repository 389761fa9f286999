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
        let batch = AckBatch(settlements)
        let rows = try await run(batch, claim: (request, queue, look))
        var change = StoreChange()
        var exchange = Exchange()
        let header = try ExchangeHeader(rows)
        exchange.answers = header.answers(batch, noting: &change)
        if header.promoted > 0 { change.merge(StoreChange(wakes: [queue], isAny: true)) }
        if header.isPlain, !header.isSpecial {
            let claimed = rows.dropFirst().map(ClaimedRow.init)
            if let microseconds = header.microseconds {
                let taken = try claimed.map { (priority: try $0.priority, id: try $0.id) }
                watermarks.hasTaken(
                    taken, look, at: queue, Watermarks.Cost(microseconds: microseconds, workers: header.workers))
            }
            exchange.isCut = header.isCut
            exchange.jobs = await jobs(claimed, header, of: request.queues[0])
            if !exchange.jobs.isEmpty { change.isAny = true }
            announcer.announce(change)
            return exchange
        }
        announcer.announce(change)
        if !header.isPlain { knownQueues.note(queue, isSpecial: true) }
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
        let batch = AckBatch(settlements)
        let answers = try ExchangeHeader(await run(batch, claim: nil)).answers(batch, noting: &change)
        announcer.announce(change)
        return answers
    }

    private func run(
        _ acks: AckBatch, claim: (request: ClaimRequest, queue: Int64, look: Watermarks.Look)?
    ) async throws -> PostgresRows {
        let request = claim?.request
        let statement = PostgresStatement(
            HotSQL.exchange,
            acks.parameters + [
                PostgresValue.int32(claim.map { Int32(clamping: $0.queue) }),
                .text(request?.queues[0].description ?? ""), .int(Int64(request?.limit ?? 0)),
                .int(Int64(request?.idleSlots ?? 0)), .int(Int64(request?.budget.bytes ?? 0)),
                .int(request?.duration.milliseconds ?? 0), .int(request?.registration?.rawValue),
                .text(request?.worker.storable ?? ""),
            ] + (claim?.look ?? Watermarks.Look()).parameters + [.int(JobTransaction.promotionsPerClaim)])
        return try await connections.run(setClock + [statement]).last!
    }

    /// Reads the rows of jobs. The claim is committed, with the settlements before it: an error must not keep their answers
    /// from the caller, so jobs that cannot be read are given back.
    private func jobs(
        _ rows: [ClaimedRow], _ header: ExchangeHeader, of queue: QueueName
    ) async -> [LeasedJob] {
        guard let token = header.token else { return [] }
        var jobs: [LeasedJob] = []
        jobs.reserveCapacity(rows.count)
        var unread: [Settlement] = []
        do {
            let events = await events(ofDigests: try rows.filter { try $0.isDigest }.map { try $0.id })
            for row in rows {
                let lease = Lease(job: JobID(rawValue: try row.id), token: token)
                guard let mine = try row.isDigest ? events?[lease.job.rawValue, default: []] : [] else {
                    unread.append(Settlement(lease, .release(after: .zero)))
                    continue
                }
                do {
                    jobs.append(try row.job(lease, claimedAt: header.wall, of: queue, mine))
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
}
