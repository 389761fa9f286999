import NIOCore
import StintCore

/// What each command does.
extension Broker {
    func accept(_ request: Request, from connection: Connection) -> Answer {
        guard connection.isOpen else { return .close }
        if let verb = request.verb { counts[verb] += 1 }
        switch request.content {
        case .refused(let reply):
            // Of the replies without a look at the queue only those to puts are counted.
            counts.refusePut(reply)
            return .reply(reply)
        case .bodyFollows:
            connection.session.isProducer = true
            return .nothing
        case .bodyIsDiscarded: return .nothing
        case .command(let command): return perform(command, for: connection)
        }
    }

    /// A connection may have several unanswered commands of one order. `nil`: it must be the only one, since replies come in the
    /// order of the commands.
    func order(of request: Request, from connection: Connection) -> Order? {
        switch request.content {
        case .bodyFollows, .bodyIsDiscarded: .puts
        case .command(.put): isDraining ? nil : .puts
        case .command(.delete(let job)), .command(.release(let job, _, _)), .command(.bury(let job, _)):
            connection.session.reserved[job] == nil ? nil : .ends
        case .command, .refused: nil
        }
    }

    private func perform(_ command: Command, for connection: Connection) -> Answer {
        let id = connection.id
        switch command {
        case .put(let job): return put(job, connection)
        case .use(let name):
            guard let tube = UsedTube(name, options.groupSeparator) else { return .reply(.badFormat) }
            tubes.beginUse(tube.queue)
            let before = connection.session.use(tube)
            tubes.endUse(before.queue)
            return .reply(.using(name))
        case .reserve(let timeout): return reserve(connection, timeout: timeout)
        case .reserveJob(let job): return later(id) { try await $0.reserve(job, for: id) }
        case .delete(let job): return delete(job, by: connection)
        case .release(let job, let priority, let delay):
            return settle(job, by: connection, priority, .release(after: Duration(ofTube: delay)), .released) {
                broker, tube in
                broker.notes.change(job) { note in
                    note.releases += 1
                    note.delay = delay
                }
                broker.poke([tube], delay == 0 ? .claim : .read)
            }
        case .bury(let job, let priority):
            return settle(job, by: connection, priority, .bury(reason: "its client has buried it"), .buried) {
                broker, _ in
                broker.notes.change(job) { $0.buries += 1 }
            }
        case .touch(let job):
            guard connection.session.touch(job, at: .now()) else { return .reply(.notFound) }
            schedule(id)
            return .reply(.touched)
        case .watch(let tube):
            // Who watches a queue gets the jobs of all of its groups.
            guard isTube(tube) else { return .reply(.badFormat) }
            guard connection.session.watched.count < Session.mostTubes else { return .reply(.outOfMemory) }
            if connection.session.watch(tube) { tubes.beginWatch(tube) }
            return .reply(.watching(connection.session.watched.count))
        case .ignore(let tube):
            switch connection.session.ignore(tube) {
            case .isTheOnlyOne: return .reply(.notIgnored)
            case .ignored: tubes.endWatch(tube)
            case .wasNotWatched: break
            }
            return .reply(.watching(connection.session.watched.count))
        case .peek(let job): return later(id) { try await $0.peek(job) }
        case .peekNext(let state):
            let tube = connection.session.used
            return later(id) { try await $0.peek(state, of: tube) }
        case .kick(let bound):
            let tube = connection.session.used
            return later(id) { try await $0.kick(bound, of: tube) }
        case .kickJob(let job): return later(id) { try await $0.kick(job) }
        case .statsJob(let job): return later(id) { try await $0.statistics(of: job) }
        case .statsTube(let tube): return later(id) { try await $0.statistics(of: tube) }
        case .stats: return later(id) { try await $0.statistics() }
        case .listTubes: return later(id) { try await $0.listTubes() }
        case .listTubeUsed: return .reply(.using(connection.session.used.name))
        case .listTubesWatched: return .reply(.ok(YAML.list(connection.session.watched)))
        case .pauseTube(let tube, let seconds):
            if tubes[tube] != nil { return .reply(pause(tube, seconds: seconds)) }
            return later(id) { broker in
                try await broker.countJobs()
                return broker.pause(tube, seconds: seconds)
            }
        case .quit: return .close
        }
    }

    /// Asks the store, and replies then.
    ///
    /// - Parameter reply: `nil`: the reply has been sent.
    private func later(
        _ id: ConnectionID, _ reply: @escaping @Sendable (isolated Broker) async throws -> Reply?
    ) -> Answer {
        let before = givingBack
        begin { broker in
            await before?.value
            do {
                if let reply = try await reply(broker) { broker.send(reply, to: id) }
            } catch {
                broker.report(.commandFailed, ["error": "\(error)"])
                broker.send(.internalError, to: id)
            }
        }
        return .later
    }

    // MARK: - Put

    private func put(_ job: NewTubeJob, _ connection: Connection) -> Answer {
        guard !isDraining else {
            counts.refusePut(.draining)
            return .reply(.draining)
        }
        let tube = connection.session.used
        var options = JobOptions(
            ofTubePriority: job.priority, delay: job.delay, timeToRun: job.timeToRun,
            maxCrashes: self.options.maxCrashes)
        options.group = tube.group
        do {
            let new = try NewJob(job.body, in: tube.queue, options: options)
            add(PendingPut(job: new, delay: job.delay, connection: connection))
            return .later
        } catch {
            report(.notPut, ["tube": "\(tube.name)", "error": "\(error)"])
            counts.refusePut(.internalError)
            return .reply(.internalError)
        }
    }

    // MARK: - One job

    /// Settles a job that the connection holds.
    private func settle(
        _ job: JobID, by connection: Connection, _ priority: UInt32, _ outcome: Settlement.Outcome, _ reply: Reply,
        _ settled: @escaping @Sendable (isolated Broker, QueueName) -> Void
    ) -> Answer {
        guard let reservation = end(job, by: connection) else { return .reply(.notFound) }
        add(
            PendingEnd(
                job: job, reservation: reservation, outcome: outcome, priority: priority, connection: connection
            ) {
                settled($0, reservation.tube)
                return reply
            })
        return .later
    }

    private func end(_ job: JobID, by connection: Connection) -> Session.Reservation? {
        guard let reservation = connection.session.end(job) else { return nil }
        holders[job] = nil
        return reservation
    }

    private func delete(_ job: JobID, by connection: Connection) -> Answer {
        if let reservation = end(job, by: connection) {
            add(
                PendingEnd(
                    job: job, reservation: reservation, outcome: .ack, priority: nil, connection: connection
                ) {
                    $0.isDeleted(job, from: reservation.tube)
                    return .deleted
                })
            return .later
        }
        return later(connection.id) { broker in
            guard broker.holders[job] == nil, let record = try await broker.record(of: job),
                try await broker.change(job, .delete, in: [.ready, .delayed, .buried])
            else { return .notFound }
            broker.isDeleted(job, from: record.queue)
            return .deleted
        }
    }

    private func isDeleted(_ job: JobID, from tube: QueueName) {
        notes.forget(job)
        tubes.change(tube) { tube in
            tube.deletes += 1
            tube.jobs -= 1
        }
    }

    private func reserve(_ job: JobID, for id: ConnectionID) async throws -> Reply? {
        guard holders[job] == nil else { return .notFound }
        guard connections[id].map({ $0.session.reserved.count < Session.mostJobs }) == true else { return .outOfMemory }
        let request = ClaimRequest(
            job, lease: Self.lease, worker: WorkerProcess.current.name, registration: registration)
        guard let leased = try await claim(request).jobs.first else { return .notFound }
        guard connections[id] != nil, !isStopping else {
            _ = try await store.settle([Settlement(leased.lease, .release(after: .zero))])
            return .notFound
        }
        connections[id]!.session.isWorker = true
        give(leased, to: id)
        return nil
    }
}
