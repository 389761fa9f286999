import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What SES publishes about a mail that it has received.
struct SESNotification: Decodable {
    struct Mail: Decodable {
        var source: String?
        var destination: [String]?
    }

    struct Verdict: Decodable {
        var status: String?
    }

    struct Action: Decodable {
        var type: String?
        var encoding: String?
        var bucketName: String?
        var objectKey: String?
    }

    struct Receipt: Decodable {
        var recipients: [String]?
        var spamVerdict: Verdict?
        var virusVerdict: Verdict?
        var spfVerdict: Verdict?
        var dkimVerdict: Verdict?
        var dmarcVerdict: Verdict?
        var action: Action?
    }

    var notificationType: String?
    var mail: Mail?
    var receipt: Receipt?
    var content: String?

    /// - Throws: ``InboundRefusal``.
    static func mail(of message: SNSMessage, _ rules: ReceivingRules) throws -> InboundMail {
        let notification: SESNotification
        do {
            notification = try BoundedJSON.decode(Array(message.message.utf8), rules.limits, "the Message")
        } catch var refusal as InboundRefusal {
            refusal.isFinal = true
            throw refusal
        }
        guard notification.notificationType == "Received" else {
            throw final(
                "the notification is of the type \(quoted(notification.notificationType ?? "")); expected Received, of a receipt rule"
            )
        }
        guard let text = notification.content else {
            throw final(withoutContent(notification.receipt?.action))
        }
        var source = Array(text.utf8)
        if notification.receipt?.action?.encoding?.uppercased() == "BASE64" {
            guard let bytes = Data(base64Encoded: text, options: .ignoreUnknownCharacters), !bytes.isEmpty else {
                throw final("the content of the notification is no Base64")
            }
            source = [UInt8](bytes)
        }
        let content = try MIMEReading(rules.limits).content(of: source)
        let receipt = notification.receipt
        var mail = content.mail(
            .ses, id: message.messageId, rules,
            envelope: Envelope(
                sender: notification.mail?.source,
                recipients: receipt?.recipients ?? notification.mail?.destination ?? []))
        mail.checks.spf = CheckResults.result(receipt?.spfVerdict?.status)
        mail.checks.dkim = CheckResults.result(receipt?.dkimVerdict?.status)
        mail.checks.dmarc = CheckResults.result(receipt?.dmarcVerdict?.status)
        mail.checks.isSpam = isFailed(receipt?.spamVerdict)
        mail.checks.hasVirus = isFailed(receipt?.virusVerdict)
        return mail
    }

    /// SNS carries mails of up to 150 kB. A larger one can only come into a bucket, from which Stint reads nothing.
    private static func withoutContent(_ action: Action?) -> String {
        guard let action, action.type?.uppercased() == "S3" else {
            return
                "the notification has no content: use the rule's action SNS itself, which publishes mails of up to 150 kB"
        }
        let place = [action.bucketName, action.objectKey].compactMap { $0.map { quoted($0) } }.joined(
            separator: ", key ")
        return
            "the mail is in the bucket \(place) of S3, from which nothing is read: fetch it from there, or use the rule's "
            + "action SNS itself, which publishes mails of up to 150 kB"
    }

    private static func final(_ detail: String) -> InboundRefusal {
        InboundRefusal(.badRequest, detail, isFinal: true)
    }

    private static func isFailed(_ verdict: Verdict?) -> Bool? {
        switch verdict?.status?.uppercased() {
        case "FAIL": true
        case "PASS": false
        default: nil
        }
    }
}
