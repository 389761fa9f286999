import Crypto
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A service that posts mails, with its secrets and the path of its route.
public struct InboundService: Sendable {
    let receiver: any Receiver
    /// Of the route, such as `/mailgun`.
    public let path: String
    let paths: [String]

    init(_ receiver: any Receiver, path: String, further: [String] = []) {
        self.receiver = receiver
        self.path = path
        paths = [path] + further
    }

    /// Routes of Mailgun with the action `forward("https://…/mailgun")`, or `…/mailgun/mime` for the mail as it was sent.
    ///
    /// - Parameters:
    ///   - signingKeys: The HTTP webhook signing key, and while it is exchanged the former one too.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public static func mailgun(signingKeys: [String], path: String = "/mailgun") throws -> InboundService {
        guard !signingKeys.isEmpty, signingKeys.allSatisfy({ !$0.isEmpty }) else {
            throw StintError.invalidInput("Mailgun needs its signing key: it is not empty")
        }
        return InboundService(
            MailgunReceiver(keys: signingKeys), path: try check(path), further: [path + "/mime"])
    }

    /// An inbound stream of Postmark with the webhook `https://USER:PASSWORD@…/postmark`.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public static func postmark(user: String, password: String, path: String = "/postmark") throws -> InboundService {
        InboundService(
            PostmarkReceiver(authentication: try authentication(user, password)), path: try check(path))
    }

    /// SendGrid's Inbound Parse, parsed or with "Send Raw", whose security policy signs its posts.
    ///
    /// - Parameters:
    ///   - publicKey: The policy's public key, in Base64.
    ///   - basic: A user and a password in the address too, if it has these: `https://USER:PASSWORD@…/sendgrid`.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public static func sendGrid(
        publicKey: String, basic: (user: String, password: String)? = nil, path: String = "/sendgrid"
    ) throws -> InboundService {
        guard let bytes = Data(base64Encoded: publicKey),
            let key = try? P256.Signing.PublicKey(derRepresentation: bytes)
        else {
            throw StintError.invalidInput(
                "SendGrid's public key \(quoted(publicKey)) is none: expected the Base64 text of its security policy, without further lines"
            )
        }
        let authentication = try basic.map { try Self.authentication($0.user, $0.password) }
        return InboundService(SendGridReceiver(key: key, authentication: authentication), path: try check(path))
    }

    /// SendGrid's Inbound Parse without signatures: `https://USER:PASSWORD@…/sendgrid`.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public static func sendGrid(user: String, password: String, path: String = "/sendgrid") throws -> InboundService {
        InboundService(
            SendGridReceiver(key: nil, authentication: try authentication(user, password)), path: try check(path))
    }

    /// Receipt rules of Amazon SES with the action SNS, whose topic has a subscription of `https://…/ses`. It is confirmed by
    /// itself.
    ///
    /// - Parameter topics: The ARNs of the topics whose messages are taken; all others are refused, whoever signed them.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public static func amazonSES(topics: [String], path: String = "/ses") throws -> InboundService {
        try amazonSES(topics: topics, path: path, fetch: HTTPSFetch().get)
    }

    /// - Parameter fetch: Gets certificates, and confirms subscriptions.
    package static func amazonSES(
        topics: [String], path: String = "/ses", fetch: @escaping @Sendable (_ url: String) async throws -> [UInt8]
    ) throws -> InboundService {
        guard !topics.isEmpty else { throw StintError.invalidInput("Amazon SES needs the ARN of at least one topic") }
        let topics = try topics.map { arn in
            guard let topic = AmazonTopic(arn) else {
                throw StintError.invalidInput(
                    "the topic \(quoted(arn)) is none: expected an ARN such as arn:aws:sns:eu-west-1:123456789012:mail")
            }
            return topic
        }
        return InboundService(AmazonReceiver(topics: topics, fetch: fetch), path: try check(path))
    }

    private static func authentication(_ user: String, _ password: String) throws -> BasicAuthentication {
        guard !user.isEmpty, !user.utf8.contains(UInt8(ascii: ":")), password.utf8.count >= 8 else {
            throw StintError.invalidInput(
                "the service needs a user without ':' and a password of 8 bytes or more, in the address that it posts to"
            )
        }
        return BasicAuthentication(user: user, password: password)
    }

    private static func check(_ path: String) throws -> String {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count > 1, path.utf8.last != UInt8(ascii: "/"),
            path.utf8.allSatisfy({ (0x2D...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F })
        else {
            throw StintError.invalidInput(
                "the path \(quoted(path)) of a service must be like /mailgun: small letters, digits, '-', '_', '.' and '/'"
            )
        }
        return path
    }
}
