import StintCore

extension Settlement {
    private enum Kind: UInt8 {
        case ack = 1
        case release, suspect, fail, crash, bury, expire, refuse
    }

    /// Without the jobs that it enqueues: payloads do not go through a supervisor.
    func encode(into encoder: inout MessageEncoder) {
        lease.encode(into: &encoder)
        encoder.write(maxAttempts) { $0.write(Int64($1)) }
        encoder.write(priority) { $0.write($1) }
        encoder.write(diagnostics) { $1.encode(into: &$0) }
        switch outcome {
        case .ack: encoder.write(Kind.ack.rawValue)
        case .release(let delay):
            encoder.write(Kind.release.rawValue)
            encoder.write(delay)
        case .suspect: encoder.write(Kind.suspect.rawValue)
        case .fail(let error, let delay):
            encoder.write(Kind.fail.rawValue)
            encoder.write(error)
            encoder.write(delay)
        case .crash(let error, let delay):
            encoder.write(Kind.crash.rawValue)
            encoder.write(error)
            encoder.write(delay)
        case .bury(let reason):
            encoder.write(Kind.bury.rawValue)
            encoder.write(reason)
        case .expire: encoder.write(Kind.expire.rawValue)
        case .refuse(let reason, let delay, let patience):
            encoder.write(Kind.refuse.rawValue)
            encoder.write(reason)
            encoder.write(delay)
            encoder.write(patience)
        }
    }

    init(from decoder: inout MessageDecoder) throws {
        let lease = try Lease(from: &decoder)
        let maxAttempts = try decoder.optional { Int(try $0.number(Int64.self)) }
        let priority = try decoder.optional { try $0.number(UInt32.self) }
        let diagnostics = try decoder.optional { try AttemptDiagnostics(from: &$0) }
        guard let kind = Kind(rawValue: try decoder.number()) else { throw MessageDecoder.Malformed() }
        let outcome: Outcome
        switch kind {
        case .ack: outcome = .ack
        case .release: outcome = .release(after: try decoder.duration())
        case .suspect: outcome = .suspect
        case .fail: outcome = .fail(error: try decoder.text(), retryAfter: try decoder.duration())
        case .crash: outcome = .crash(error: try decoder.text(), retryAfter: try decoder.duration())
        case .bury: outcome = .bury(reason: try decoder.text())
        case .expire: outcome = .expire
        case .refuse:
            outcome = .refuse(
                reason: try decoder.text(), retryAfter: try decoder.duration(), patience: try decoder.duration())
        }
        self.init(lease, outcome, diagnostics: diagnostics, maxAttempts: maxAttempts, priority: priority)
    }
}

extension AttemptDiagnostics {
    fileprivate func encode(into encoder: inout MessageEncoder) {
        encoder.write(exitCode) { $0.write($1) }
        encoder.write(signal) { $0.write($1) }
        encoder.write(peakMemoryBytes) { $0.write($1) }
        encoder.write(runTimeMilliseconds) { $0.write($1) }
        encoder.write(standardError) { $0.write($1) }
    }

    fileprivate init(from decoder: inout MessageDecoder) throws {
        self.init(
            exitCode: try decoder.optional { try $0.number() }, signal: try decoder.optional { try $0.text() },
            peakMemoryBytes: try decoder.optional { try $0.number() },
            runTimeMilliseconds: try decoder.optional { try $0.number() },
            standardError: try decoder.optional { try $0.text() })
    }
}
