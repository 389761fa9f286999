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
        let queues = try decoder.list { try QueueName($0.text()) }
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
    }

    init(from decoder: inout MessageDecoder) throws {
        self.init(
            name: try decoder.text(), process: try WorkerProcess(from: &decoder),
            supervisor: try decoder.optional { try WorkerProcess(from: &$0) },
            supervisorSign: try decoder.optional { try $0.text() },
            queues: try decoder.list { try QueueName($0.text()) }, concurrency: Int(try decoder.number(UInt32.self)))
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
        encoder.write(answers) { encoder, answer in
            switch answer {
            case .leaseLost: encoder.write("")
            case .settled(let state): encoder.write(state.rawValue)
            }
        }
        encoder.write(jobs) { $1.encode(into: &$0) }
        encoder.write(passedOver) { $0.write($1.rawValue) }
    }

    init(from decoder: inout MessageDecoder) throws {
        self.init(
            answers: try decoder.list { decoder in
                let state = try decoder.text()
                if state.isEmpty { return .leaseLost }
                guard let state = JobState(rawValue: state) else { throw MessageDecoder.Malformed() }
                return .settled(state)
            }, jobs: try decoder.list { try ClaimedJob(from: &$0) },
            passedOver: try decoder.optional { JobID(rawValue: try $0.number()) })
    }
}

extension ClaimedJob {
    fileprivate func encode(into encoder: inout MessageEncoder) {
        lease.encode(into: &encoder)
        encoder.write(queue.description)
        encoder.write(priority)
        encoder.write(UInt32(clamping: attempt))
        encoder.write(runsAlone)
        encoder.write(expiresAt) { $0.write($1) }
        encoder.write(expiresIn) { $0.write($1) }
    }

    fileprivate init(from decoder: inout MessageDecoder) throws {
        self.init(
            lease: try Lease(from: &decoder), queue: try QueueName(decoder.text()), priority: try decoder.number(),
            attempt: Int(try decoder.number(UInt32.self)), runsAlone: try decoder.bool(),
            expiresAt: try decoder.optional { try $0.number() }, expiresIn: try decoder.optional { try $0.duration() })
    }
}
