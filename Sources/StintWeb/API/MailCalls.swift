import HTTPTypes
import Hummingbird
import ServiceLifecycle
import StintMailbox

extension Route {
    static let longestMailWait = 30_000

    static func listMails(_ request: WebRequest) async throws -> Response {
        let mailbox = try request.mailbox()
        let limit = try request.queryInteger("limit", in: 1...1_000, default: 100)
        let before = try request.queryInteger("before", in: 1...Int.max, default: .max)
        return .json(MailListFacts(mailbox.list(try request.mailQuery(), before: before, limit: limit)))
    }

    static func deleteMails(_ request: WebRequest) throws -> Response {
        return .json(["deleted": try request.mailbox().delete(try request.mailQuery())])
    }

    static func showMail(_ request: WebRequest) async throws -> Response {
        await facts(try request.mail(), try request.mailbox())
    }

    static func deleteMail(_ request: WebRequest) async throws -> Response {
        _ = try request.mailbox().delete(request.mail().id)
        return Response(status: .noContent)
    }

    /// Answers when a mail is there that fits: for tests.
    static func waitForMail(_ request: WebRequest) async throws -> Response {
        let mailbox = try request.mailbox()
        let query = try request.mailQuery()
        guard !query.recipient.isEmpty else {
            throw WebError(.badRequest, "the query names no recipient; expected to=anna@example.org, percent-encoded")
        }
        let time = try request.queryInteger("timeoutMilliseconds", in: 0...longestMailWait, default: 10_000)
        if let mail = mailbox.first(query) { return await facts(mail, mailbox) }
        return try await request.dashboard.api.mailWaiting.holding {
            // Ends with the connection. What listens must see the end of a body, and there is none.
            var rest = request.request
            rest.body = RequestBody(buffer: ByteBuffer())
            let mail = try await rest.body.consumeWithCancellationOnInboundClose { _ in
                await cancelWhenGracefulShutdown {
                    await mailbox.wait(for: query, within: .milliseconds(time))
                }
            }
            guard let mail else {
                var error = WebError(
                    .notFound, "no mail to \(quotedShort(query.recipient)) has come within \(time) ms")
                error.headers[.connection] = "close"
                throw error
            }
            var response = await facts(mail, mailbox)
            // The connection cannot be used again after it was listened to.
            response.headers[.connection] = "close"
            return response
        }
    }

    private static func facts(_ mail: CaughtMail, _ mailbox: Mailbox) async -> Response {
        .json(MailContentsFacts(mail, await mailbox.read { $0.contents(of: mail.received.bytes) }))
    }
}
