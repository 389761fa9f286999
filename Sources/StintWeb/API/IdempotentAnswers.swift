import HTTPTypes
import StintCore
import Synchronization

/// The answers to requests with an `Idempotency-Key`, for a day, as long as the server runs.
final class IdempotentAnswers: Sendable {
    static let lifetime: Duration = .seconds(86_400)
    /// The most answers, and the most bytes of them: beyond that the oldest ones go.
    private static let maximumCount = 50_000
    private static let maximumBytes = 32 * 1_048_576

    struct Key: Hashable, Sendable {
        let user: String
        let text: String
    }

    private struct Entry {
        let hash: [UInt8]
        /// `nil`: the request is still being answered.
        var answers: [Enqueued]?
        let end: ContinuousClock.Instant
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// Oldest first.
        var order: [Key] = []
        var bytes = 0
    }

    private let state = Mutex(State())

    /// Performs an enqueue, or answers as to the earlier one with this key.
    ///
    /// - Throws: ``WebError``: 422 if the earlier one had another body, 409 if it is still being answered.
    func answers(
        to key: Key, hash: [UInt8], at now: ContinuousClock.Instant = .now, perform: () async throws -> [Enqueued]
    ) async throws -> (answers: [Enqueued], isRepeated: Bool) {
        let known = try state.withLock { state -> [Enqueued]? in
            if let entry = state.entries[key], entry.end > now {
                guard entry.hash == hash else {
                    throw WebError(
                        .unprocessableContent,
                        "the Idempotency-Key \(quotedShort(key.text)) was used for another body: give each enqueue a key of its own"
                    )
                }
                guard let answers = entry.answers else {
                    var error = WebError(
                        .conflict,
                        "a request with the Idempotency-Key \(quotedShort(key.text)) is being answered: send this again in a second"
                    )
                    error.headers[.retryAfter] = "1"
                    throw error
                }
                return answers
            }
            state.entries[key] = Entry(hash: hash, answers: nil, end: now + Self.lifetime)
            return nil
        }
        if let known { return (known, true) }
        do {
            let answers = try await perform()
            state.withLock { state in
                state.entries[key]?.answers = answers
                state.order.append(key)
                state.bytes += Self.size(key, answers)
                Self.prune(&state, at: now)
            }
            return (answers, false)
        } catch {
            state.withLock { $0.entries[key] = nil }
            throw error
        }
    }

    private static func size(_ key: Key, _ answers: [Enqueued]) -> Int {
        200 + key.text.utf8.count + 16 * answers.count
    }

    private static func prune(_ state: inout State, at now: ContinuousClock.Instant) {
        var gone = 0
        for key in state.order {
            let isOver = state.entries[key].map { $0.end <= now } ?? true
            guard isOver || state.bytes > maximumBytes || state.order.count - gone > maximumCount else { break }
            gone += 1
            guard let answers = state.entries[key]?.answers else { continue }
            state.bytes -= size(key, answers)
            state.entries[key] = nil
        }
        if gone > 0 { state.order.removeFirst(gone) }
    }
}
