import HTTPTypes
import Hummingbird
import ServiceLifecycle
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static let longestLease: Int64 = 86_400_000
    private static let longestWait: Int64 = 30_000
    /// The most bytes of payloads and headers in an answer; a larger job comes alone.
    private static let answerBudget = ByteBudget(bytes: 16 * 1_048_576)

    static func claim(_ request: WebRequest) async throws -> Response {
        let fields = try JSONFields(
            try await request.json(), known: ["queues", "limit", "leaseMilliseconds", "waitMilliseconds"])
        let queues = try fields.list("queues", atMost: 100)?.enumerated().map { index, item in
            guard case .text(let name) = item.kind else {
                throw WebError(.badRequest, "queues[\(index)] is \(item.described); expected the name of a queue")
            }
            return try QueueName(name)
        }
        guard let queues, !queues.isEmpty else { throw fields.missing("queues", "a list of 1 to 100 names of queues") }
        guard let lease = try fields.duration("leaseMilliseconds", in: 1...longestLease) else {
            throw fields.missing("leaseMilliseconds", "a whole number from 1 to \(longestLease)")
        }
        let claim = ClaimRequest(
            queues: queues, limit: Int(try fields.integer("limit", in: 1...Int64(ClaimRequest.maximumLimit)) ?? 1),
            lease: lease,
            worker: "\(request.user.name)@\(request.peer ?? "http")", budget: answerBudget)
        let wait = try fields.duration("waitMilliseconds", in: 0...longestWait) ?? .zero
        let store = request.dashboard.queue.store
        if let jobs = try await jobs(store, claim) { return .json(["jobs": jobs]) }
        guard wait > .zero else { return .json(["jobs": [ClaimedFacts]()]) }
        return try await request.dashboard.api.waiting.holding {
            // Ends with the connection: nobody takes what would be claimed after that.
            // What listens must see the end of a body, which was read before: else Hummingbird stops the process.
            var rest = request.request
            rest.body = RequestBody(buffer: ByteBuffer())
            let jobs = try await rest.body.consumeWithCancellationOnInboundClose { _ in
                try await waitForJobs(store, claim, for: wait)
            }
            var response = Response.json(["jobs": jobs])
            // The connection cannot be used again after it was listened to.
            response.headers[.connection] = "close"
            return response
        }
    }

    /// `nil`: there were none.
    private static func jobs(_ store: AnyJobStore, _ claim: ClaimRequest) async throws -> [ClaimedFacts]? {
        let start = Date()
        let jobs = try await store.claim(claim)
        if Task.isCancelled, !jobs.isEmpty {
            // Nobody is there any more. What is not given back so comes back when its lease has run out.
            _ = await Task { try? await store.settle(jobs.map { Settlement($0.lease, .release(after: .zero)) }) }.value
            throw CancellationError()
        }
        // The store counts from its claim, which was later.
        return jobs.isEmpty
            ? nil : jobs.map { ClaimedFacts($0, leaseEnd: start.timestamp + claim.duration.milliseconds) }
    }

    private static func waitForJobs(
        _ store: AnyJobStore, _ claim: ClaimRequest, for wait: Duration
    ) async throws -> [ClaimedFacts] {
        let (wakeUps, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        // A server that ends answers at once.
        return try await withGracefulShutdownHandler {
            try await waitForJobs(store, claim, for: wait, wakeUps, wake)
        } onGracefulShutdown: {
            wake.finish()
        }
    }

    private static func waitForJobs(
        _ store: AnyJobStore, _ claim: ClaimRequest, for wait: Duration, _ wakeUps: AsyncStream<Void>,
        _ wake: AsyncStream<Void>.Continuation
    ) async throws -> [ClaimedFacts] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await _ in store.wakeUps(in: claim.queues) { wake.yield() }
            }
            group.addTask {
                try await Task.sleep(for: wait)
                wake.finish()
            }
            var timer: Task<Void, any Error>?
            defer { timer?.cancel() }
            func alarm(in time: Duration) {
                timer?.cancel()
                timer = Task {
                    try await Task.sleep(for: time)
                    wake.yield()
                }
            }
            var iterator = wakeUps.makeAsyncIterator()
            while true {
                try Task.checkCancellation()
                // A job that came before the store was listened to is found too.
                if let jobs = try await jobs(store, claim) { return jobs }
                switch try await store.nextReady(in: claim.queues) {
                // Another claim was faster, or a limit is in the way; not at once again.
                case .now: alarm(in: .milliseconds(50))
                case .after(let time): alarm(in: time)
                // A store that does not look by itself.
                case .unknown: if store.safetyLookInterval == nil { alarm(in: .seconds(5)) }
                }
                guard await iterator.next() != nil else { break }
            }
            try Task.checkCancellation()
            return []
        }
    }
}

/// A claimed job as a worker gets it. The fields have the names of the pipe protocol.
struct ClaimedFacts: Encodable, Sendable {
    let id: Int64
    let token: Int64
    let leaseExpiresAt: Timestamp
    let queue: QueueName
    let attempt: Int
    let maxAttempts: Int
    let priority: UInt32
    let enqueuedAt: Timestamp
    let expiresAt: Timestamp?
    let timeToRunMilliseconds: Int64?
    let runsAlone: Bool
    let headers: Headers
    let contentType: String
    var payload: String?
    var payloadBase64: String?
    var payloads: [String]?
    var payloadsBase64: [String]?

    init(_ job: LeasedJob, leaseEnd: Timestamp) {
        id = job.id.rawValue
        token = job.lease.token.rawValue
        leaseExpiresAt = leaseEnd
        queue = job.queue
        attempt = job.attempt
        maxAttempts = job.maxAttempts
        priority = job.priority
        enqueuedAt = job.enqueuedAt.timestamp
        expiresAt = job.expiresAt?.timestamp
        timeToRunMilliseconds = job.timeToRun?.milliseconds
        runsAlone = job.runsAlone
        headers = job.headers
        contentType = job.contentType
        if let events = job.events {
            let texts = events.compactMap { String(validating: $0, as: UTF8.self) }
            if texts.count == events.count {
                payloads = texts
            } else {
                payloadsBase64 = events.map { Data($0).base64EncodedString() }
            }
        } else {
            payload = String(validating: job.payload, as: UTF8.self)
            if payload == nil { payloadBase64 = Data(job.payload).base64EncodedString() }
        }
    }
}
