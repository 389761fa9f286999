import StintCore

// How jobs are written that a supervisor has claimed for a worker, with all that its handler gets.

extension Exchange {
    func encode(into encoder: inout MessageEncoder) {
        encoder.write(answers) { $0.write($1.number) }
        encoder.write(jobs) { $1.encode(into: &$0) }
        encoder.write(isCut)
        encoder.write(passedOver) { $0.write($1.rawValue) }
    }

    init(from decoder: inout MessageDecoder) throws {
        self.init(
            answers: try decoder.list { try Settlement.Answer(number: $0.number()) },
            jobs: try decoder.list { try LeasedJob(from: &$0) }, isCut: try decoder.bool(),
            passedOver: try decoder.optional { JobID(rawValue: try $0.number()) })
    }
}

extension LeasedJob {
    fileprivate func encode(into encoder: inout MessageEncoder) {
        lease.encode(into: &encoder)
        encoder.write(queue.description)
        switch body {
        case .single(let payload):
            encoder.write(false)
            encoder.write(bytes: payload)
        case .digest(let events):
            encoder.write(true)
            encoder.write(events) { $0.write(bytes: $1) }
        }
        encoder.write(contentType)
        encoder.write(headers.map { $0 }) { encoder, header in
            encoder.write(header.key)
            encoder.write(header.value)
        }
        encoder.write(priority)
        encoder.write(UInt32(clamping: attempt))
        encoder.write(Int64(maxAttempts))
        encoder.write(timeToRun) { $0.write($1) }
        encoder.write(enqueuedAtMilliseconds)
        encoder.write(runsAlone)
        encoder.write(expiresAtMilliseconds) { $0.write($1) }
        encoder.write(expiresIn) { $0.write($1) }
    }

    fileprivate convenience init(from decoder: inout MessageDecoder) throws {
        let (lease, queue) = (try Lease(from: &decoder), QueueName(stored: try decoder.text()))
        let events = try decoder.bool() ? try decoder.list { try $0.byteArray() } : nil
        let payload = events == nil ? try decoder.byteArray() : []
        let contentType = try decoder.text()
        var headers = Headers()
        for (name, value) in try decoder.list({ (try $0.text(), try $0.text()) }) { try headers.set(name, to: value) }
        self.init(
            lease: lease, queue: queue, payload: payload, contentType: contentType, headers: headers,
            priority: try decoder.number(), attempt: Int(try decoder.number(UInt32.self)),
            maxAttempts: Int(try decoder.number(Int64.self)), timeToRun: try decoder.optional { try $0.duration() },
            enqueuedAt: try decoder.number(), runsAlone: try decoder.bool(), events: events,
            expiresAt: try decoder.optional { try $0.number() }, expiresIn: try decoder.optional { try $0.duration() })
    }
}

extension HeldJob {
    func encode(into encoder: inout MessageEncoder) {
        lease.encode(into: &encoder)
        encoder.write(queue.description)
        encoder.write(isPaused)
    }

    init(from decoder: inout MessageDecoder) throws {
        self.init(
            lease: try Lease(from: &decoder), queue: QueueName(stored: try decoder.text()),
            isPaused: try decoder.bool())
    }
}
