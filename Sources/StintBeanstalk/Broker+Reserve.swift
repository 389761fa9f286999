import NIOCore
import StintCore

/// Jobs for those who wait. Connections that watch the same tubes are a group, for which one claim takes jobs.
extension Broker {
    /// What to do first if a group is looked for.
    enum Look: Int, Sendable {
        case nothing
        /// Something may have changed: read before a claim.
        case read
        /// A job is ready, or somebody has just begun to wait.
        case claim
    }

    /// How soon a claim is tried again that found nothing although something is ready.
    private static let retry: TimeAmount = .milliseconds(50)

    func reserve(_ connection: Connection, timeout: Int32) -> Answer {
        let now = NIODeadline.now()
        let id = connection.id
        connection.session.isWorker = true
        guard connection.session.reserved.count < Session.mostJobs else { return .reply(.outOfMemory) }
        let isSoon = connection.session.isDeadlineSoon(at: now)
        let waiter = WaitingLine.Waiter(
            connection: id, tubes: connection.session.watchedSet,
            timeout: timeout > 0 ? now + .seconds(Int64(timeout)) : nil,
            refusal: isSoon ? .deadlineSoon : timeout == 0 ? .timedOut : nil)
        line.append(waiter)
        schedule(id)
        look(for: waiter.tubes, .claim)
        return .later
    }

    /// Looks for jobs for those who watch one of these tubes.
    ///
    /// - Parameter tubes: `nil`: all.
    func poke(_ tubes: Set<QueueName>?, _ look: Look) {
        guard line.count > 0, !isStopping else { return }
        for group in line.groups(watching: tubes) { self.look(for: group, look) }
    }

    func look(for group: Set<QueueName>, _ look: Look) {
        if let again = looking[group] {
            looking[group] = again.rawValue < look.rawValue ? look : again
            return
        }
        looking[group] = .nothing
        begin { broker in
            var look = look
            while look != .nothing, !broker.isStopping {
                broker.looking[group] = .nothing
                await broker.lookOnce(for: group, look)
                look = broker.looking[group]!
            }
            broker.looking[group] = nil
        }
    }

    private func lookOnce(for group: Set<QueueName>, _ look: Look) async {
        await givingBack?.value
        let refusals = line.look(for: group)
        tubes.endPauses(at: .now())
        let open = group.subtracting(tubes.paused).sorted()
        do {
            if !open.isEmpty {
                let isReady = look == .claim ? true : try await isReady(open)
                if isReady { try await claim(open, for: group) }
            }
            for (id, ticket, refusal) in refusals where line.stillWaits(id, ticket) {
                line.remove(id)
                send(refusal, to: id)
            }
            if !open.isEmpty, line.count(of: group) > 0 { try await setAlarm(for: open) }
        } catch {
            report(.notClaimed, ["error": "\(error)"])
            for (id, ticket, _) in refusals where line.stillWaits(id, ticket) {
                line.remove(id)
                send(.internalError, to: id)
            }
            setAlarm(in: .seconds(1))
        }
    }

    private func isReady(_ tubes: [QueueName]) async throws -> Bool {
        switch try await store.nextReady(in: tubes) {
        case .now: true
        case .after, .unknown: false
        }
    }

    private func claim(_ tubes: [QueueName], for group: Set<QueueName>) async throws {
        while line.count(of: group) > 0, !isStopping {
            let limit = min(line.count(of: group), ClaimRequest.maximumLimit)
            let request = ClaimRequest(
                queues: tubes, limit: limit, lease: Self.lease, worker: WorkerProcess.current.name,
                registration: registration)
            let exchange = try await claim(request)
            await handOut(exchange.jobs, to: group)
            // A suspect comes alone, whatever is behind it.
            let isAll = exchange.jobs.count < limit && !exchange.isCut && exchange.passedOver == nil
            if exchange.jobs.isEmpty || isAll && exchange.jobs.first?.runsAlone != true { return }
        }
    }

    /// Claims jobs for clients. The claim of a `reserve` need not be on disk: a power cut ends this server and its connections
    /// too, and the jobs are ready again. That of a `reserve-job` is: a buried or delayed job would be that again.
    func claim(_ request: ClaimRequest) async throws -> Exchange {
        var request = request
        if request.job == nil { request.durableUpTo = durableUpTo }
        let exchange = try await withCheckedThrowingContinuation { [request] call in
            calls.startExchange([], for: request) { call.resume(with: $0) }
        }
        for job in exchange.jobs { raiseDurable(to: job.id) }
        return exchange
    }

    /// Ids grow in the order of the commits, so all smaller ones are on disk too.
    func raiseDurable(to job: JobID) { durableUpTo = max(durableUpTo ?? job, job) }

    private func handOut(_ jobs: [LeasedJob], to group: Set<QueueName>) async {
        var rest: [LeasedJob] = []
        for job in jobs {
            // Those for whom it was claimed may have gone.
            if !isStopping, let id = line.first(of: group) ?? line.anyone(for: job.queue) {
                line.remove(id)
                give(job, to: id)
            } else {
                rest.append(job)
            }
        }
        guard !rest.isEmpty else { return }
        do {
            _ = try await store.settle(rest.map { Settlement($0.lease, .release(after: .zero)) })
        } catch {
            report(.notGivenBack, ["jobs": Self.named(rest.map(\.id)), "error": "\(error)"])
        }
        poke(Set(rest.map(\.queue)), .claim)
    }

    /// The connection holds the job from now on.
    func give(_ job: LeasedJob, to id: ConnectionID) {
        let timeToRun = job.timeToRun.map { TimeAmount.milliseconds($0.milliseconds) } ?? Self.standardTimeToRun
        let reservation = Session.Reservation(
            lease: job.lease, tube: job.queue, timeToRun: timeToRun, deadline: .now() + timeToRun)
        connections[id]!.session.reserve(job.id, reservation)
        holders[job.id] = id
        notes.change(job.id) { $0.reserves += 1 }
        schedule(id)
        send(.reserved(job.id, job.payload), to: id)
    }

    // MARK: - When to look again

    private func setAlarm(for tubes: [QueueName]) async throws {
        switch try await store.nextReady(in: tubes) {
        // Another claim was faster, or a limit is in the way; not at once again.
        case .now: setAlarm(in: Self.retry)
        case .after(let time): setAlarm(after: time)
        // A store that does not look by itself.
        case .unknown: if store.safetyLookInterval == nil { setAlarm(in: .seconds(5)) }
        }
    }

    private func setAlarm(after time: Duration) {
        setAlarm(in: .milliseconds(min(time.milliseconds, 86_400_000)))
    }

    func setAlarm(in time: TimeAmount) {
        let at = NIODeadline.now() + time
        if let alarm {
            if alarm.at <= at { return }
            alarm.task.cancel()
        }
        let task = loop.scheduleTask(deadline: at) {
            self.assumeIsolated { broker in
                broker.alarm = nil
                broker.poke(nil, .read)
            }
        }
        alarm = (at, task)
    }

    /// Looks whenever another process may have changed something.
    func listen() async {
        for await _ in store.changes() {
            guard line.count > 0, !isStopping else { continue }
            do {
                // One read for all of them.
                let open = Set(line.waiting.keys).subtracting(tubes.paused).sorted()
                switch try await store.nextReady(in: open) {
                case .now: poke(nil, .read)
                case .after(let time): setAlarm(after: time)
                case .unknown: break
                }
            } catch {
                report(.changesNotRead, ["error": "\(error)"])
                setAlarm(in: .seconds(1))
            }
        }
    }

    // MARK: - Pauses

    func pause(_ tube: QueueName, seconds: UInt32) -> Reply {
        guard let until = tubes.pause(tube, seconds: seconds, at: .now()) else { return .notFound }
        loop.scheduleTask(deadline: until) {
            self.assumeIsolated { broker in
                let over = broker.tubes.endPauses(at: .now())
                if !over.isEmpty { broker.poke(Set(over), .claim) }
            }
        }
        return .paused
    }
}
