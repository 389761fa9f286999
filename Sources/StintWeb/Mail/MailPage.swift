import HTTPTypes
import Hummingbird
import StintMailbox

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func mailPage(_ request: WebRequest) async throws -> Page {
        let mail = try request.mail()
        let contents = try await request.mailbox().read { $0.contents(of: mail.received.bytes) }
        let facts = MailContentsFacts(mail, contents)
        return Page(
            title: mail.summary.subject.isEmpty ? "Mail \(mail.id)" : mail.summary.subject, section: "mail",
            template: "mail", view: MailView(mail, facts, request, now: Date()), facts: facts)
    }

    /// The HTML of a mail, for a frame: no script runs, and nothing is loaded from elsewhere.
    static func mailDocument(_ request: WebRequest) async throws -> Response {
        let mail = try request.mail()
        guard let document = try await request.mailbox().read({ $0.document(of: mail.received.bytes) }) else {
            throw WebError(.notFound, "mail \(mail.id) has no HTML")
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/html; charset=utf-8", .contentSecurityPolicy: SecurityHeaders.document],
            body: ResponseBody(byteBuffer: ByteBuffer(string: document)))
    }

    /// The bytes of a mail as they came, to save.
    static func mailSource(_ request: WebRequest) async throws -> Response {
        let mail = try request.mail()
        return download(mail.received.bytes, named: "mail-\(mail.id).eml")
    }

    static func mailAttachment(_ request: WebRequest) async throws -> Response {
        let mail = try request.mail()
        guard let part = Int(request.parameter("part")), part > 0,
            let bytes = try await request.mailbox().read({ $0.attachment(part, of: mail.received.bytes) })
        else {
            throw WebError(
                .notFound,
                "mail \(mail.id) has no part \(quotedShort(request.parameter("part"))): its page lists those that it has"
            )
        }
        let contents = try await request.mailbox().read { $0.contents(of: mail.received.bytes) }
        let name = contents.attachments.first { $0.part == part }?.name
        return download(bytes, named: name ?? "part-\(part)")
    }

    /// Nothing that a mail has is shown by a browser as it is: it is saved.
    private static func download(_ bytes: [UInt8], named name: String) -> Response {
        let plain = String(
            name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" }.prefix(100))
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream",
                .contentDisposition:
                    "attachment; filename=\"\(plain.isEmpty ? "part" : plain)\"; filename*=UTF-8''\(percentEncoded(name))",
                .contentSecurityPolicy: SecurityHeaders.document,
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

private struct MailView {
    struct Fact {
        let name: String
        let value: String?
        let time: TimeView?

        init(_ name: String, _ value: String?, time: TimeView? = nil) {
            self.name = name
            self.value = value
            self.time = time
        }
    }

    struct Link {
        let text: String
        let href: String?
    }

    struct Attachment {
        let name: String
        let href: String
        let type: String
        let size: String
    }

    struct Header {
        let name: String
        let value: String
    }

    /// The most bytes of the source that the page shows.
    private static let mostSource = 65_536
    private static let mostHeaders = 500

    let base: String
    let title: String
    let facts: [Fact]
    let problems: [String]
    let frame: String?
    let text: String?
    let isBlank: Bool
    let links: [Link]
    let hasLinks: Bool
    let attachments: [Attachment]
    let hasAttachments: Bool
    let headers: [Header]
    let headerCount: String
    let source: String
    let isCut: Bool
    let raw: String
    let deleteAction: String
    let canOperate: Bool

    init(_ mail: CaughtMail, _ contents: MailContentsFacts, _ request: WebRequest, now: Date) {
        base = request.dashboard.options.basePath
        let path = "\(base)/mail/\(mail.id)"
        title = mail.summary.subject.isEmpty ? "(no subject)" : mail.summary.subject
        let recipients =
            mail.recipients.prefix(50).joined(separator: ", ")
            + (mail.recipients.count > 50 ? " and \(mail.recipients.count - 50) more" : "")
        facts = [
            Fact("From", mail.summary.from), Fact("To", mail.summary.to),
            Fact("Envelope sender", mail.received.sender.isEmpty ? "none (empty)" : mail.received.sender),
            Fact("Envelope recipients", recipients),
            Fact("Received", nil, time: TimeView(mail.receivedAt, now: now)),
            Fact("Size", Words.bytes(Int64(mail.size))),
        ].filter { $0.value != "" }
        problems = contents.problems
        frame = contents.html == nil ? nil : "\(path)/html"
        text = contents.text
        isBlank = contents.html == nil && contents.text == nil && contents.problems.isEmpty
        links = contents.links.map { Link(text: $0, href: Self.isSafe($0) ? $0 : nil) }
        hasLinks = !links.isEmpty
        attachments = contents.attachments.map {
            Attachment(
                name: $0.name, href: "\(path)/parts/\($0.part)", type: $0.contentType,
                size: Words.bytes(Int64($0.bytes)) ?? "")
        }
        hasAttachments = !attachments.isEmpty
        headers = contents.headers.prefix(Self.mostHeaders).map { Header(name: $0.name, value: $0.value) }
        headerCount = Words.count(contents.headers.count)
        source = String(decoding: mail.received.bytes.prefix(Self.mostSource), as: UTF8.self)
        isCut = mail.size > Self.mostSource
        raw = "\(path)/source"
        deleteAction = "\(path)/delete"
        canOperate = request.user.role >= .operate
    }

    /// A link that a page may have: none that is a script or a document itself.
    private static func isSafe(_ link: String) -> Bool {
        ["http://", "https://", "mailto:"].contains { link.lowercased().hasPrefix($0) }
    }
}
