import StintCore
import Synchronization

/// The browsers that have signed in. They are forgotten when the server ends.
final class Sessions: Sendable {
    /// How long one lasts.
    static let lifetime: Duration = .seconds(12 * 3_600)
    /// The most at a time: beyond it the oldest one ends.
    private let most: Int

    private struct Session {
        let user: WebUser
        let end: ContinuousClock.Instant
    }

    /// By the hash of their secrets.
    private let sessions = Mutex<[[UInt8]: Session]>([:])

    init(most: Int = 10_000) {
        self.most = most
    }

    /// - Returns: The secret for the cookie.
    func begin(_ user: WebUser, at now: ContinuousClock.Instant = .now) -> String {
        let secret = Credentials.newSecret()
        sessions.withLock { sessions in
            sessions = sessions.filter { $0.value.end > now }
            if sessions.count >= most, let oldest = sessions.min(by: { $0.value.end < $1.value.end }) {
                sessions[oldest.key] = nil
            }
            sessions[Credentials.hash(of: secret)] = Session(user: user, end: now + Self.lifetime)
        }
        return secret
    }

    func user(_ secret: String, at now: ContinuousClock.Instant = .now) -> WebUser? {
        sessions.withLock { $0[Credentials.hash(of: secret)] }.flatMap { $0.end > now ? $0.user : nil }
    }

    func end(_ secret: String) {
        sessions.withLock { $0[Credentials.hash(of: secret)] = nil }
    }
}
