import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The answer of a pipe handler: one line of JSON. Unknown fields are ignored.
package struct PipeResponse: Decodable, Sendable {
    package enum Verdict: Sendable {
        case done([PipeFollowUp])
        case retry(after: Duration?, String?)
        case bury(String?)
    }

    package let lease: Lease
    /// The verdict, or what is wrong with the rest of an answer that names its job.
    package let verdict: Result<Verdict, PipeResponseError>

    private enum Key: String, CodingKey {
        case id, token, verdict, delay, error, enqueue
    }

    /// An answer that is too long, of which only the lease is known.
    init(tooLong length: Int, limit: Int, _ lease: Lease) {
        self.lease = lease
        verdict = .failure(
            PipeResponseError(
                "it has \(length) bytes, and an answer has at most \(limit): put fewer jobs into one answer, or write "
                    + "payloads as Base64 and not with escapes"))
    }

    /// - Throws: If the line is no answer: no JSON, no object, or without `id` or `token`.
    package init(_ line: ArraySlice<UInt8>) throws {
        self = try JSONDecoder().decode(PipeResponse.self, fromBytes: line)
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        lease = Lease(
            job: JobID(rawValue: try values.decode(Int64.self, forKey: .id)),
            token: FencingToken(rawValue: try values.decode(Int64.self, forKey: .token)))
        do {
            verdict = .success(try Self.verdict(values))
        } catch {
            verdict = .failure(PipeResponseError(error))
        }
    }

    private static func verdict(_ values: KeyedDecodingContainer<Key>) throws -> Verdict {
        let error = try values.decodeIfPresent(String.self, forKey: .error)
        let verdict = try values.decode(String.self, forKey: .verdict)
        let followUps = try values.decodeIfPresent([PipeFollowUp].self, forKey: .enqueue) ?? []
        // Ignoring them would lose jobs silently.
        guard followUps.isEmpty || verdict == "done" else {
            throw PipeResponseError(
                "it has jobs in 'enqueue' beside the verdict \(quoted(verdict)): only 'done' can have them")
        }
        switch verdict {
        case "done": return .done(followUps)
        case "retry":
            let delay = try values.decodeIfPresent(Double.self, forKey: .delay)
            return .retry(after: try delay.map(duration), error)
        case "bury": return .bury(error)
        default: throw PipeResponseError("its verdict is \(quoted(verdict)); it must be 'done', 'retry' or 'bury'")
        }
    }
}

/// A line by which a process says which lines besides jobs it understands: `{"accepts":["cancel"]}`. Without it the
/// process gets jobs only, since older programs take every line for a job.
struct PipeGreeting: Decodable {
    /// The variable that tells a process what it may accept.
    static let variable = "STINT_PIPE_ACCEPTS"
    static let cancel = "cancel"

    private let accepts: [String]

    var acceptsCancel: Bool { accepts.contains(Self.cancel) }

    /// - Throws: If the line is no greeting.
    init(_ line: ArraySlice<UInt8>) throws {
        self = try JSONDecoder().decode(PipeGreeting.self, fromBytes: line)
    }
}

/// A job that an answer asks to enqueue with the acknowledgement.
package struct PipeFollowUp: Decodable, Sendable {
    private var payload: String?
    private var payloadBase64: String?
    private var queue: String?
    private var priority: Int64?
    private var delay: Double?
    private var expires: Double?
    private var maxAttempts: Int?
    private var maxCrashes: Int?
    private var group: String?
    private var uniqueKey: String?
    private var onConflict: String?
    private var debounce: Double?
    private var atMost: Double?
    private var contentType: String?
    private var headers: [String: String]?

    /// - Parameter queue: The queue if it names none.
    /// - Throws: ``StintError`` or ``PipeResponseError`` that say what is wrong with it.
    package func job(in queue: QueueName) throws -> NewJob {
        var options = JobOptions()
        if let priority {
            guard let priority = UInt32(exactly: priority) else {
                throw PipeResponseError("the priority is \(priority); it must be between 0 and \(UInt32.max)")
            }
            options.priority = priority
        }
        if let delay { options.delay = try duration(delay) }
        if let expires { options.expires = try duration(expires) }
        if let maxAttempts { options.maxAttempts = maxAttempts }
        if let maxCrashes { options.maxCrashes = maxCrashes }
        if let headers { options.headers = try Headers(headers) }
        options.group = group
        options.uniqueKey = uniqueKey
        if let onConflict {
            guard let policy = ConflictPolicy(rawValue: onConflict) else {
                throw PipeResponseError(
                    "its onConflict is \(quoted(onConflict)); it must be 'keep', 'replace' or 'collect'")
            }
            options.onConflict = policy
        }
        options.debounce = try debounce.map(duration)
        options.atMost = try atMost.map(duration)
        return try NewJob(
            bytes(), in: try self.queue.map { try QueueName($0) } ?? queue, contentType: contentType, options: options)
    }

    private func bytes() throws -> [UInt8] {
        switch (payload, payloadBase64) {
        case (let text?, nil): return Array(text.utf8)
        case (nil, let text?):
            guard let data = Data(base64Encoded: text) else {
                throw PipeResponseError("its payloadBase64 is not valid Base64")
            }
            return Array(data)
        case (nil, nil), (_?, _?): throw PipeResponseError("it needs one of payload and payloadBase64")
        }
    }
}

/// A duration from the protocol's seconds.
private func duration(_ seconds: Double) throws -> Duration {
    let limit = NewJob.maximumDelay.components.seconds
    guard seconds >= 0, seconds <= Double(limit) else {
        throw PipeResponseError("the delay is \(seconds); it must be between 0 and \(limit) seconds")
    }
    return .seconds(seconds)
}
