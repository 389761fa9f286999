import StintCore

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

    private static func check(_ path: String) throws -> String {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count > 1, path.utf8.last != UInt8(ascii: "/"),
            path.utf8.allSatisfy({ (0x2D...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F })
        else {
            throw StintError.invalidInput(
                "the path \(quoted(path)) of a service must be like /mailgun: small letters, digits, '-', '_', '.' and '/'")
        }
        return path
    }
}
