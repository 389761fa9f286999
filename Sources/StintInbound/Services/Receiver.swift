import HTTPTypes
import Logging
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a service posts, and how one knows that it is from there.
protocol Receiver: Sendable {
    var service: InboundMail.Service { get }
    /// With what the service is answered so that it does not repeat a post; `nil`: with any 4xx.
    var finalStatus: HTTPResponse.Status? { get }

    /// Refuses what its headers alone show to be wrong, before a body is read.
    func checkHead(_ headers: HTTPFields, _ rules: ReceivingRules) throws

    /// Verifies the post. What takes long is left to ``VerifiedPost/read``.
    ///
    /// - Throws: ``InboundRefusal``.
    func receive(_ post: Post, _ rules: ReceivingRules) async throws -> Received
}

extension Receiver {
    func checkHead(_ headers: HTTPFields, _ rules: ReceivingRules) throws {}
}

struct Post: Sendable {
    let headers: HTTPFields
    let body: [UInt8]

    var contentType: String { headers[.contentType] ?? "" }
}

enum Received: Sendable {
    case mail(VerifiedPost)
    /// There is nothing more to do; the text is the answer.
    case done(String)
}

/// A post of which is known who sent it.
struct VerifiedPost: Sendable {
    /// By which a recorded post is known when it comes again: a part of what is signed.
    let replayKey: String
    /// Reads the mail. It takes time, but waits for nothing.
    let read: @Sendable () throws -> InboundMail
    /// By which the mail is known if the service posts it again under another ``replayKey``; `nil`: it cannot be known.
    /// Two mails that differ in anything have different ones, whatever their senders have written into them.
    let contentKey: @Sendable (InboundMail) -> String?

    init(
        replayKey: String, contentKey: @escaping @Sendable (InboundMail) -> String? = { _ in nil },
        read: @escaping @Sendable () throws -> InboundMail
    ) {
        self.replayKey = replayKey
        self.read = read
        self.contentKey = contentKey
    }
}

/// What holds for the posts of all services.
struct ReceivingRules: Sendable {
    let limits: InboundLimits
    let now: Date
    let window: Duration
    let skew: Duration
    let logger: Logger

    /// - Throws: ``InboundRefusal`` for a signed time that is too old or too far ahead.
    func checkTime(_ time: Date) throws {
        let age = now.timeIntervalSince(time)
        guard age <= window / .seconds(1) else {
            throw InboundRefusal.forbidden(
                "the signed time is \(Int(min(age, 1e9))) s old; at most \(Int(window / .seconds(1))) s are allowed")
        }
        guard age >= -(skew / .seconds(1)) else {
            // As likely this machine's clock is behind, and then no mail may be lost.
            throw InboundRefusal.unavailable(
                "the signed time is \(Int(min(-age, 1e9))) s ahead; at most \(Int(skew / .seconds(1))) s are allowed: check both "
                    + "clocks")
        }
    }

    /// Reads seconds since 1970.
    func checkSeconds(_ text: String) throws {
        guard text.utf8.count <= 12, let seconds = Int64(text), seconds > 0 else {
            throw InboundRefusal.broken("the timestamp \(quoted(text)) is none: expected seconds since 1970")
        }
        try checkTime(Date(timeIntervalSince1970: Double(seconds)))
    }
}

extension Duration {
    fileprivate static func / (left: Duration, right: Duration) -> Double {
        Double(left.components.seconds) / Double(max(1, right.components.seconds))
    }
}
