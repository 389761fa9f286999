import StintCore

/// The name of a topic of Amazon SNS, and which hosts speak for it.
struct AmazonTopic: Sendable, Hashable {
    /// `arn:aws:sns:eu-west-1:123456789012:mail`
    let arn: String
    /// The only host from which certificates and confirmations of this topic come.
    let host: String
    /// The names for which certificates that sign this topic's messages are issued: those that Amazon's own SDK for Java
    /// (`SnsHostProvider`) expects.
    let certificateNames: Set<String>

    /// - Returns: `nil` if it is none.
    init?(_ arn: String) {
        let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, arn.utf8.count <= 400, parts[0] == "arn", parts[2] == "sns",
            ["aws", "aws-cn", "aws-us-gov"].contains(parts[1]), (3...40).contains(parts[3].utf8.count),
            parts[3].utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }),
            parts[4].utf8.count == 12, parts[4].utf8.allSatisfy({ (0x30...0x39).contains($0) }), !parts[5].isEmpty,
            parts[5].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        self.arn = arn
        let end = "amazonaws.com" + (parts[1] == "aws-cn" ? ".cn" : "")
        host = "sns.\(parts[3]).\(end)"
        let common =
            switch parts[1] {
            case "aws-cn": "sns-\(parts[3]).\(end)"
            case "aws-us-gov": "sns-us-gov-west-1.\(end)"
            default: "sns.\(end)"
            }
        // Regions that accounts opt in to have names of their own.
        certificateNames = [common, "sns-signing.\(parts[3]).\(end)"]
    }

    /// Whether a URL is of the certificate with which this topic's messages are signed: https, this host, no port, no user.
    func isCertificate(_ url: String) -> Bool {
        let start = "https://\(host)/SimpleNotificationService-"
        guard url.utf8.count <= 400, url.hasPrefix(start), url.hasSuffix(".pem") else { return false }
        return url.utf8.dropFirst(start.utf8.count).dropLast(4).allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                || $0 == 0x5F
        }
    }

    /// Whether a URL confirms a subscription of this topic and does nothing else.
    func isConfirmation(_ url: String) -> Bool {
        let start = "https://\(host)/?"
        guard url.utf8.count <= 2_000, url.hasPrefix(start),
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x23 })
        else { return false }
        var values: [String: String] = [:]
        for pair in url.dropFirst(start.count).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, values[String(parts[0])] == nil else { return false }
            values[String(parts[0])] = String(parts[1])
        }
        let topic = values["TopicArn"]?.replacing("%3A", with: ":").replacing("%3a", with: ":")
        return values["Action"] == "ConfirmSubscription" && topic == arn && values["Token"]?.isEmpty == false
            && values.keys.allSatisfy { ["Action", "TopicArn", "Token"].contains($0) }
    }
}
