import HTTPTypes
import Synchronization

/// What the HTTP API keeps between requests.
final class APIState: Sendable {
    /// Claims that wait for a job.
    let waiting = Places(1_000, "claims wait for jobs already: claim without waiting, or again in a second")
    /// Those that wait for a mail.
    let mailWaiting = Places(500, "requests wait for mails already: ask again in a second")
    /// Bytes of bodies that are being read.
    let bodies = Bytes(256 * 1_048_576)
    let answers = IdempotentAnswers()

    /// A number of places, each taken by one request.
    final class Places: Sendable {
        private let count: Int
        private let what: String
        private let taken = Mutex(0)

        /// - Parameter what: What those with a place do, and what to do without one.
        init(_ count: Int, _ what: String) {
            self.count = count
            self.what = what
        }

        /// - Throws: ``WebError`` with the status 429 if all places are taken.
        func holding<Value: Sendable>(_ perform: () async throws -> Value) async throws -> Value {
            guard
                taken.withLock({ taken in
                    if taken < count {
                        taken += 1
                        return true
                    } else {
                        return false
                    }
                })
            else {
                var error = WebError(
                    .tooManyRequests,
                    "\(count) \(what)")
                error.headers[.retryAfter] = "1"
                throw error
            }
            defer { taken.withLock { $0 -= 1 } }
            return try await perform()
        }
    }

    /// A number of bytes, taken by requests as their bodies arrive.
    final class Bytes: Sendable {
        private let limit: Int
        private let taken = Mutex(0)

        init(_ limit: Int) {
            self.limit = limit
        }

        /// - Parameter perform: Is given a function that takes so many bytes more.
        func holding<Value: Sendable>(
            _ perform: (_ take: (Int) throws -> Void) async throws -> Value
        ) async throws -> Value {
            var held = 0
            defer { taken.withLock { $0 -= held } }
            return try await perform { count in
                guard
                    taken.withLock({ taken in
                        if taken + count > limit { return false }
                        taken += count
                        return true
                    })
                else {
                    var error = WebError(
                        .tooManyRequests, "other requests with large bodies are being read: send this again in a second"
                    )
                    error.headers[.retryAfter] = "1"
                    throw error
                }
                held += count
            }
        }
    }
}
