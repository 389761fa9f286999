import StintCore

// How the values of requests and replies are written.

extension Lease {
    func encode(into encoder: inout MessageEncoder) {
        encoder.write(job.rawValue)
        encoder.write(token.rawValue)
    }

    init(from decoder: inout MessageDecoder) throws {
        self.init(job: JobID(rawValue: try decoder.number()), token: FencingToken(rawValue: try decoder.number()))
    }
}

extension ClaimRequest {
    func encode(into encoder: inout MessageEncoder) {
        encoder.write(job) { $0.write($1.rawValue) }
        encoder.write(duration)
        encoder.write(worker)
        encoder.write(registration) { $0.write($1.rawValue) }
        guard job == nil else { return }
        encoder.write(queues) { $0.write($1.description) }
        encoder.write(UInt32(limit))
        encoder.write(Int64(idleSlots))
        encoder.write(Int64(budget.bytes))
        encoder.write(passesOverSuspects)
    }

    init(from decoder: inout MessageDecoder) throws {
        let job = try decoder.optional { JobID(rawValue: try $0.number()) }
        let (duration, worker) = (try decoder.duration(), try decoder.text())
        let registration = try decoder.optional { WorkerID(rawValue: try $0.number()) }
        guard duration > .zero else { throw MessageDecoder.Malformed() }
        if let job {
            self.init(job, lease: duration, worker: worker, registration: registration)
            return
        }
        // An invalid name is that of no queue. Checking it at each claim would cost more than the rest of the message.
        let queues = try decoder.list { QueueName(stored: try $0.text()) }
        let limit = Int(try decoder.number(UInt32.self))
        let (idleSlots, bytes) = (Int(try decoder.number(Int64.self)), Int(try decoder.number(Int64.self)))
        guard (1...Self.maximumLimit).contains(limit), bytes >= 1 else { throw MessageDecoder.Malformed() }
        self.init(
            queues: queues, limit: limit, lease: duration, worker: worker, registration: registration,
            idleSlots: idleSlots, budget: ByteBudget(bytes: bytes), passesOverSuspects: try decoder.bool())
    }
}

extension WorkerRegistration {
    func encode(into encoder: inout MessageEncoder) {
        encoder.write(name)
        process.encode(into: &encoder)
        encoder.write(supervisor) { $1.encode(into: &$0) }
        encoder.write(supervisorSign) { $0.write($1) }
        encoder.write(queues) { $0.write($1.description) }
        encoder.write(UInt32(clamping: concurrency))
        encoder.write(writesThroughSupervisor)
    }

    init(from decoder: inout MessageDecoder) throws {
        self.init(
            name: try decoder.text(), process: try WorkerProcess(from: &decoder),
            supervisor: try decoder.optional { try WorkerProcess(from: &$0) },
            supervisorSign: try decoder.optional { try $0.text() },
            queues: try decoder.list { try QueueName($0.text()) }, concurrency: Int(try decoder.number(UInt32.self)),
            writesThroughSupervisor: try decoder.bool())
    }
}

extension WorkerProcess {
    fileprivate func encode(into encoder: inout MessageEncoder) {
        encoder.write(name)
        encoder.write(id)
    }

    fileprivate init(from decoder: inout MessageDecoder) throws {
        self.init(name: try decoder.text(), id: try decoder.text())
    }
}

extension ClaimedExchange {
    func encode(into encoder: inout MessageEncoder) {
        encoder.write(answers) { $0.write($1.number) }
        // Each name once: nearly all claims are of one queue.
        var names: [QueueName] = []
        for job in jobs where names.last != job.queue && !names.contains(job.queue) { names.append(job.queue) }
        encoder.write(names) { $0.write($1.description) }
        encoder.write(jobs) { encoder, job in
            job.encode(into: &encoder, queue: names.firstIndex(of: job.queue) ?? 0)
        }
        encoder.write(passedOver) { $0.write($1.rawValue) }
    }

    init(from decoder: inout MessageDecoder) throws {
        let answers = try decoder.list { try Settlement.Answer(number: $0.number()) }
        let names = try decoder.list { QueueName(stored: try $0.text()) }
        self.init(
            answers: answers, jobs: try decoder.list { try ClaimedJob(from: &$0, queues: names) },
            passedOver: try decoder.optional { JobID(rawValue: try $0.number()) })
    }
}

extension Settlement.Answer {
    /// 0 for a lease that was lost, otherwise that of the state. The numbers are part of the protocol.
    var number: UInt8 {
        switch self {
        case .leaseLost: 0
        case .settled(.ready): 1
        case .settled(.delayed): 2
        case .settled(.leased): 3
        case .settled(.buried): 4
        case .settled(.done): 5
        case .settled(.cancelled): 6
        case .settled(.expired): 7
        }
    }

    init(number: UInt8) throws {
        switch number {
        case 0: self = .leaseLost
        case 1: self = .settled(.ready)
        case 2: self = .settled(.delayed)
        case 3: self = .settled(.leased)
        case 4: self = .settled(.buried)
        case 5: self = .settled(.done)
        case 6: self = .settled(.cancelled)
        case 7: self = .settled(.expired)
        default: throw MessageDecoder.Malformed()
        }
    }
}

extension ClaimedJob {
    /// - Parameter queue: The place of its queue's name in the list of names.
    fileprivate func encode(into encoder: inout MessageEncoder, queue: Int) {
        lease.encode(into: &encoder)
        encoder.write(UInt16(clamping: queue))
        encoder.write(priority)
        encoder.write(UInt32(clamping: attempt))
        encoder.write(runsAlone)
        encoder.write(expiresAt) { $0.write($1) }
        encoder.write(expiresIn) { $0.write($1) }
    }

    fileprivate init(from decoder: inout MessageDecoder, queues: [QueueName]) throws {
        let lease = try Lease(from: &decoder)
        let queue = Int(try decoder.number(UInt16.self))
        guard queue < queues.count else { throw MessageDecoder.Malformed() }
        self.init(
            lease: lease, queue: queues[queue], priority: try decoder.number(),
            attempt: Int(try decoder.number(UInt32.self)), runsAlone: try decoder.bool(),
            expiresAt: try decoder.optional { try $0.number() }, expiresIn: try decoder.optional { try $0.duration() })
    }
}
