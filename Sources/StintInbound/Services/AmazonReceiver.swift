import Crypto
import HTTPTypes
import StintCore
import _CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Amazon SES, whose receipt rules publish mails to a topic of SNS. A message is signed by RSA; who signs is known by where
/// its certificate is, and of whom one takes messages by a list of topics. Anybody can have a topic, so the signature alone
/// proves nothing.
struct AmazonReceiver: Receiver {
    private static let topicHeader = HTTPField.Name("x-amz-sns-topic-arn")!

    let topics: [String: AmazonTopic]
    let keys: SigningKeys
    /// Calls the address that confirms a subscription.
    let confirm: @Sendable (_ url: String) async throws -> [UInt8]

    let service = InboundMail.Service.ses
    /// SNS repeats a post after a 5xx and 429, and gives up after other 4xx.
    let finalStatus: HTTPResponse.Status? = nil

    init(topics: [AmazonTopic], fetch: @escaping @Sendable (_ url: String) async throws -> [UInt8]) {
        self.topics = Dictionary(topics.map { ($0.arn, $0) }) { first, _ in first }
        keys = SigningKeys(fetch: fetch)
        confirm = fetch
    }

    func checkHead(_ headers: HTTPFields, _ rules: ReceivingRules) throws {
        if let topic = headers[Self.topicHeader] { _ = try self.topic(topic) }
    }

    private func topic(_ arn: String) throws -> AmazonTopic {
        guard let topic = topics[arn] else {
            throw InboundRefusal.forbidden(
                "the topic \(quoted(arn)) is not one of those whose messages are taken: add it to the list of topics")
        }
        return topic
    }

    func receive(_ post: Post, _ rules: ReceivingRules) async throws -> Received {
        let message: SNSMessage = try BoundedJSON.decode(
            post.body, rules.limits, "the body", isCapitalized: true)
        guard let canonical = message.canonical else {
            throw InboundRefusal.broken(
                "the body is of the type \(quoted(message.type)); expected Notification, SubscriptionConfirmation or UnsubscribeConfirmation with all their members"
            )
        }
        guard ServiceID.isValid(message.messageId) else { throw InboundRefusal.broken("the MessageId is none") }
        let topic = try topic(message.topicArn)
        guard let time = SNSMessage.time(message.timestamp) else {
            throw InboundRefusal.broken("the Timestamp \(quoted(message.timestamp)) is none")
        }
        try rules.checkTime(time)
        try await verify(message, canonical, topic, rules)
        switch message.type {
        case "SubscriptionConfirmation": return try await confirmSubscription(message, topic, rules)
        case "UnsubscribeConfirmation":
            rules.logger.warning("a subscription has ended", metadata: ["topic": "\(topic.arn)"])
            return .done("the end of the subscription is noted")
        default:
            // SES writes this text into a topic when it begins to use it.
            if message.message.hasPrefix("Successfully validated SNS topic") { return .done("the topic is known") }
            return .mail(VerifiedPost(replayKey: message.messageId) { try SESNotification.mail(of: message, rules) })
        }
    }

    private func verify(
        _ message: SNSMessage, _ canonical: String, _ topic: AmazonTopic, _ rules: ReceivingRules
    ) async throws {
        guard topic.isCertificate(message.signingCertURL) else {
            throw InboundRefusal.forbidden(
                "the certificate is at \(quoted(message.signingCertURL)); expected https://\(topic.host)/SimpleNotificationService-….pem"
            )
        }
        guard message.signature.utf8.count <= 2_000, let bytes = Data(base64Encoded: message.signature) else {
            throw InboundRefusal.forbidden("the signature is no Base64")
        }
        guard ["1", "2"].contains(message.signatureVersion) else {
            throw InboundRefusal.forbidden(
                "the SignatureVersion is \(quoted(message.signatureVersion)); expected 1 or 2")
        }
        let key = try await keys.key(at: message.signingCertURL, for: topic.certificateNames, now: rules.now)
        let signature = _RSA.Signing.RSASignature(rawRepresentation: bytes)
        let data = Data(canonical.utf8)
        let isRight =
            message.signatureVersion == "1"
            ? key.isValidSignature(signature, for: Insecure.SHA1.hash(data: data), padding: .insecurePKCS1v1_5)
            : key.isValidSignature(signature, for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5)
        guard isRight else { throw InboundRefusal.forbidden("the signature is not right for the message") }
    }

    private func confirmSubscription(
        _ message: SNSMessage, _ topic: AmazonTopic, _ rules: ReceivingRules
    ) async throws -> Received {
        guard let url = message.subscribeURL, topic.isConfirmation(url) else {
            throw InboundRefusal.forbidden(
                "the SubscribeURL \(quoted(message.subscribeURL ?? "")) does not confirm a subscription of the topic at https://\(topic.host)/"
            )
        }
        do {
            _ = try await confirm(url)
        } catch {
            rules.logger.error(
                "a subscription could not be confirmed", metadata: ["topic": "\(topic.arn)", "error": "\(error)"])
            throw InboundRefusal.unavailable("the subscription could not be confirmed: send it again")
        }
        rules.logger.notice("a subscription is confirmed", metadata: ["topic": "\(topic.arn)"])
        return .done("the subscription is confirmed")
    }
}

/// What SNS posts.
struct SNSMessage: Decodable, Sendable {
    var type: String
    var messageId: String
    var topicArn: String
    var subject: String?
    var message: String
    var timestamp: String
    var signatureVersion: String
    var signature: String
    var signingCertURL: String
    var subscribeURL: String?
    var token: String?

    /// What is signed; `nil` if it is of another type or lacks a member.
    var canonical: String? {
        var fields: [(String, String)] = [("Message", message), ("MessageId", messageId)]
        switch type {
        case "Notification":
            if let subject { fields.append(("Subject", subject)) }
            fields += [("Timestamp", timestamp)]
        case "SubscriptionConfirmation", "UnsubscribeConfirmation":
            guard let subscribeURL, let token else { return nil }
            fields += [("SubscribeURL", subscribeURL), ("Timestamp", timestamp), ("Token", token)]
        default: return nil
        }
        fields += [("TopicArn", topicArn), ("Type", type)]
        return fields.map { "\($0.0)\n\($0.1)\n" }.joined()
    }

    /// `2026-05-02T00:54:06.655Z`
    static func time(_ text: String) -> Date? {
        guard text.utf8.count <= 40 else { return nil }
        return (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle()))
    }
}
