import Crypto
import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    /// The most jobs of one enqueue, which is one transaction.
    static let maximumJobs = 1_000

    static func enqueue(_ request: WebRequest) async throws -> Response {
        let key = try idempotencyKey(request)
        let bytes = try await request.jsonBytes(atMost: WebRequest.maximumJobBytes)
        let body = try JSONValue(bytes)
        let isList = if case .list = body.kind { true } else { false }
        let jobs = try newJobs(body, key: key)
        let queue = request.dashboard.queue
        var (answers, isRepeated) = ([Enqueued](), false)
        if let key {
            (answers, isRepeated) = try await request.dashboard.api.answers.answers(
                to: key, hash: Array(SHA256.hash(data: bytes))
            ) { try await queue.enqueue(jobs: jobs) }
        } else {
            answers = try await queue.enqueue(jobs: jobs)
        }
        let facts = answers.map(EnqueuedFacts.init)
        var response =
            isList ? Response.json(["jobs": facts], status: .created) : Response.json(facts[0], status: .created)
        if !isList {
            response.headers[.location] = "\(request.dashboard.options.basePath)/api/v1/jobs/\(answers[0].id)"
        }
        if isRepeated { response.headers[.init("idempotency-replayed")!] = "true" }
        return response
    }

    private static func newJobs(_ body: JSONValue, key: IdempotentAnswers.Key?) throws -> [NewJob] {
        /// The store itself finds that it was enqueued before, also after a restart.
        func once(_ index: Int) -> String? { key.map { "http/\($0.user.utf8.count)/\($0.user)/\($0.text)/\(index)" } }
        guard case .list(let items) = body.kind else {
            return [try NewJob(json: body, at: "", idempotencyKey: once(0))]
        }
        guard !items.isEmpty, items.count <= maximumJobs else {
            throw WebError(
                .badRequest,
                "the list has \(items.count) jobs; expected 1 to \(maximumJobs): send more in several requests")
        }
        return try items.enumerated().map { try NewJob(json: $1, at: "jobs[\($0)]", idempotencyKey: once($0)) }
    }

    private static func idempotencyKey(_ request: WebRequest) throws -> IdempotentAnswers.Key? {
        guard let text = request.request.headers[.init("idempotency-key")!] else { return nil }
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw WebError(
                .badRequest,
                "the Idempotency-Key is \(quotedShort(text)); expected 1 to 255 visible ASCII characters, such as a UUID"
            )
        }
        return IdempotentAnswers.Key(user: request.user.name, text: text)
    }
}

struct EnqueuedFacts: Encodable, Sendable {
    let id: Int64
    let outcome: Enqueued.Outcome
    let isDuplicate: Bool

    init(_ enqueued: Enqueued) {
        id = enqueued.id.rawValue
        outcome = enqueued.outcome
        isDuplicate = enqueued.isDuplicate
    }
}
