import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    /// The most leases of one request.
    private static let maximumLeases = ClaimRequest.maximumLimit
    private static let maximumFollowUps = 100

    static func extendLeases(_ request: WebRequest) async throws -> Response {
        let body = try await request.json()
        let fields = try JSONFields(body, known: ["job", "token", "leases", "leaseMilliseconds"])
        guard let duration = try fields.duration("leaseMilliseconds", in: 1...longestLease) else {
            throw fields.missing("leaseMilliseconds", "a whole number from 1 to \(longestLease)")
        }
        let store = request.dashboard.queue.store
        guard let items = try fields.list("leases", atMost: maximumLeases) else {
            let lease = try lease(fields)
            guard try await store.extend([lease], by: duration).isEmpty else { throw StintError.leaseLost(lease) }
            return .json(LeaseAnswer(lease, .extended))
        }
        guard fields["job"] == nil, fields["token"] == nil else {
            throw WebError(.badRequest, "both a lease and leases are given; expected job and token, or a list leases")
        }
        let leases = try items.enumerated().map { index, item in
            try lease(try JSONFields(item, at: "leases[\(index)]", known: ["job", "token"]))
        }
        guard !leases.isEmpty else { throw fields.missing("leases", "1 to \(maximumLeases) leases") }
        let lost = Set(try await store.extend(leases, by: duration))
        return .json(["leases": leases.map { LeaseAnswer($0, lost.contains($0) ? .leaseLost : .extended) }])
    }

    static func settleLeases(_ request: WebRequest) async throws -> Response {
        let body = try await request.json(atMost: WebRequest.maximumJobBytes)
        let store = request.dashboard.queue.store
        guard case .object(let members) = body.kind, members.contains(where: { $0.name == "settlements" }) else {
            let settlement = try await settlement(body, at: "", store)
            let state = try await store.settle(settlement)
            return .json(LeaseAnswer(settlement.lease, .settled, state))
        }
        let fields = try JSONFields(body, known: ["settlements"])
        guard let items = try fields.list("settlements", atMost: maximumLeases), !items.isEmpty else {
            throw fields.missing("settlements", "1 to \(maximumLeases) settlements")
        }
        var settlements: [Settlement] = []
        var seen = Set<Lease>()
        for (index, item) in items.enumerated() {
            let settlement = try await settlement(item, at: "settlements[\(index)]", store)
            guard seen.insert(settlement.lease).inserted else {
                throw WebError(.badRequest, "settlements has the job \(settlement.lease.job) twice; expected it once")
            }
            settlements.append(settlement)
        }
        let answers = try await store.settle(settlements)
        return .json([
            "settlements": zip(settlements, answers).map { settlement, answer in
                switch answer {
                case .settled(let state): LeaseAnswer(settlement.lease, .settled, state)
                case .leaseLost: LeaseAnswer(settlement.lease, .leaseLost)
                }
            }
        ])
    }

    private static func lease(_ fields: JSONFields) throws -> Lease {
        guard let job = try fields.integer("job", in: 1...Int64.max) else {
            throw fields.missing("job", "the id of a claimed job")
        }
        guard let token = try fields.integer("token", in: 0...Int64.max) else {
            throw fields.missing("token", "the token of its claim")
        }
        return Lease(job: JobID(rawValue: job), token: FencingToken(rawValue: token))
    }

    private enum Outcome: String, CaseIterable {
        case ack, release, fail, bury

        /// The fields that belong to it.
        var fields: [String] {
            switch self {
            case .ack: ["enqueue"]
            case .release: ["delayMilliseconds"]
            case .fail: ["error", "delayMilliseconds"]
            case .bury: ["reason"]
            }
        }
    }

    private static func settlement(_ value: JSONValue, at path: String, _ store: AnyJobStore) async throws -> Settlement
    {
        let fields = try JSONFields(
            value, at: path, known: ["job", "token", "outcome", "error", "reason", "delayMilliseconds", "enqueue"])
        let lease = try lease(fields)
        guard let outcome = try fields.choice("outcome", Outcome.self) else {
            throw fields.missing("outcome", Outcome.allCases.map(\.rawValue).joined(separator: ", "))
        }
        for name in ["error", "reason", "delayMilliseconds", "enqueue"] where fields[name] != nil {
            guard outcome.fields.contains(name) else {
                throw WebError(
                    .badRequest,
                    "\(fields.path)\(name) is given with the outcome \(outcome.rawValue); it has \(outcome.fields.joined(separator: " and ")) only"
                )
            }
        }
        let delay = try fields.duration("delayMilliseconds")
        switch outcome {
        case .ack:
            let jobs = try fields.list("enqueue", atMost: maximumFollowUps) ?? []
            let followUps = try jobs.enumerated().map { try NewJob(json: $1, at: "\(fields.path)enqueue[\($0)]") }
            return Settlement(lease, .ack, followUps: followUps)
        case .release: return Settlement(lease, .release(after: delay ?? .zero))
        case .fail:
            guard let error = try fields.note("error") else {
                throw fields.missing("error", "a text that says why it failed")
            }
            var wait = delay
            if wait == nil {
                let attempts = try await store.job(lease.job)?.record.attempts ?? 1
                wait = RetryPolicy.exponential().delay(afterAttempt: attempts)
            }
            return Settlement(lease, .fail(error: error, retryAfter: wait ?? .zero))
        case .bury:
            guard let reason = try fields.note("reason") else { throw fields.missing("reason", "a text that says why") }
            return Settlement(lease, .bury(reason: reason))
        }
    }
}

private struct LeaseAnswer: Encodable {
    enum Status: String, Encodable {
        case extended, settled, leaseLost
    }

    let job: Int64
    let token: Int64
    let status: Status
    /// The job's state after it was settled.
    let state: JobState?

    init(_ lease: Lease, _ status: Status, _ state: JobState? = nil) {
        job = lease.job.rawValue
        token = lease.token.rawValue
        self.status = status
        self.state = state
    }
}
