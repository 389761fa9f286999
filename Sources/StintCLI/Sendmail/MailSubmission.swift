import Foundation
import StintCore
import StintPlatform
import StintSMTP

/// What the caller's mail has no part in: exit code 69, and 451 in SMTP.
struct UnusableQueue: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// How a mail becomes a job.
struct MailSubmission {
    let queue: QueueName
    /// The name of this machine.
    let host: String
    /// `nil`: this user.
    let sender: String?
    let senderName: String

    /// The queue that the variable names. Not STINT_QUEUE: in a worker's handler, that is the queue of its job.
    static func defaultQueue() throws -> QueueName {
        guard let variable = getenv("STINT_SENDMAIL_QUEUE"), variable.pointee != 0 else { return "mail" }
        guard let name = String(validatingCString: variable) else {
            throw UnusableQueue("STINT_SENDMAIL_QUEUE is not valid UTF-8; expected the name of a queue")
        }
        do {
            return try QueueName(name)
        } catch {
            throw UnusableQueue("STINT_SENDMAIL_QUEUE: \(error)")
        }
    }

    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return MailAddress.isDeliverable("a@\(text)") ? text : "localhost"
    }

    static func sender(_ text: String, at host: String) throws -> String {
        let addresses = AddressList.addresses(in: text.utf8)
        if addresses.isEmpty { return "" }
        guard addresses.count == 1 else {
            throw StintError.invalidInput("-f is \(quoted(text)); expected one address")
        }
        return try qualified(addresses[0], at: host)
    }

    private static func qualified(_ address: String, at host: String) throws -> String {
        guard MailAddress.isAddress(address) else {
            throw StintError.invalidInput("\(quoted(address)) is no address; expected one such as anna@example.org")
        }
        // A comma separates the addresses in a job's header.
        guard !address.contains(",") else {
            throw StintError.invalidInput("the address \(quoted(address)) has a comma, which is not supported")
        }
        let whole = MailAddress.domain(of: address) == nil ? "\(address)@\(host)" : address
        guard MailAddress.isDeliverable(whole) else {
            throw StintError.invalidInput(
                "no mail server takes the address \(quoted(whole)): expected at most 64 bytes before the '@' and 254 in all, "
                    + "with single dots between the parts")
        }
        return whole
    }

    /// The sender of an envelope, with this machine's name if it has no domain. Empty: there is none.
    func envelopeSender(_ text: String) throws -> String { text.isEmpty ? "" : try Self.qualified(text, at: host) }

    /// With this machine's name for those without a domain, each once.
    func addresses(_ texts: [String]) throws -> [String] {
        var known: Set<String> = []
        return try texts.map { try Self.qualified($0, at: host) }.filter { known.insert($0).inserted }
    }

    private static var userName: String {
        getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"
    }

    func job(_ mail: SubmittedMail, to recipients: [String], from envelope: String? = nil) throws -> NewJob {
        let sender = envelope ?? sender ?? "\(Self.userName)@\(host)"
        let defaults = SubmittedMail.Defaults(
            date: Self.date(Date()), messageID: "<\(UUID().uuidString.lowercased())@\(host)>", sender: sender,
            senderName: senderName)
        var options = JobOptions()
        do {
            try options.headers.set("mail-from", to: sender)
            try options.headers.set("mail-to", to: recipients.joined(separator: ","))
        } catch let error as StintError {
            throw StintError.invalidInput(
                "the mail has \(recipients.count) recipients, more than one job can have: send it in parts (\(error))")
        }
        let domains = Set(recipients.compactMap(MailAddress.domain))
        // A domain whose name is too long for a group makes none.
        if domains.count == 1, let domain = domains.first, domain.utf8.count <= 200 { options.group = domain }
        return try NewJob(mail.bytes(adding: defaults), in: queue, contentType: "message/rfc822", options: options)
    }

    /// As RFC 5322 writes it, in UTC and in English.
    static func date(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) +0000"
    }
}
