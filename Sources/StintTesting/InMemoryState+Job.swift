import StintCore

extension InMemoryState {
    struct Job: Sendable {
        let id: JobID
        var queue: QueueName
        var payload: [UInt8]
        var contentType: String
        var options: JobOptions
        var enqueuedAt: Timestamp
        /// Since when it is, or was last, ready.
        var readyAt: Timestamp = 0
        var place: Place
        var digest: Digest?
        /// Whether it has its unique key, which may have gone on to the next job of the key.
        var holdsKey: Bool
        var wasClaimed = false
        var attempts: Int64 = 0
        var crashes: Int64 = 0
        var isSuspect = false
        /// Whether it has run and waits to be tried again, so that in a strict order its group waits for it.
        var holdsGroup = false
        var failures: [JobFailure] = []
        /// The number of its last burial.
        var burial: Int64 = 0

        var expiresAt: Timestamp? { options.expires.map { enqueuedAt + $0.wholeMilliseconds } }

        func isExpired(_ now: StoreTime) -> Bool { expiresAt.map { $0 <= now.wall } ?? false }

        /// How long ago it was first refused, without another outcome since.
        func refusedFor(_ now: StoreTime) -> Duration? {
            guard let last = failures.last, last.kind == .refused else { return nil }
            return .milliseconds(max(0, now.wall - StoredTime.timestamp(last.at)))
        }

        var held: HeldAttempt {
            HeldAttempt(
                attempts: attempts, crashes: crashes, maxAttempts: Int64(options.maxAttempts),
                maxCrashes: Int64(options.maxCrashes), isSuspect: isSuspect)
        }
    }

    enum Place: Sendable {
        case ready
        case delayed(until: Timestamp)
        case leased(FencingToken)
        case buried(at: Timestamp, reason: String)
        case done(at: Timestamp)
        case cancelled(at: Timestamp, reason: String)
        case expired(at: Timestamp, reason: String)

        var state: JobState {
            switch self {
            case .ready: .ready
            case .delayed: .delayed
            case .leased: .leased
            case .buried: .buried
            case .done: .done
            case .cancelled: .cancelled
            case .expired: .expired
            }
        }
    }
}
