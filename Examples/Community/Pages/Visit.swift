import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import NIOCore

/// What the site knows of a request.
struct PageContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Who is signed in.
    var member: Member?
    /// The browser's cookie: the token of a session, or a text of chance before one.
    var cookie = ""

    /// Where the request comes from, as limits go by it: an address, or of IPv6 the network, since each subscriber has one.
    var origin: String

    init(source: Source) {
        coreContext = .init(source: source)
        origin = Self.origin(source.channel.remoteAddress)
    }

    static func origin(_ address: SocketAddress?) -> String {
        guard case .v6(let six)? = address else { return address?.ipAddress ?? "unknown" }
        return withUnsafeBytes(of: six.address.sin6_addr) { bytes in
            // A socket for both has IPv4's as ::ffff:192.0.2.1.
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return isMapped
                ? bytes.suffix(4).map { "\($0)" }.joined(separator: ".") : bytes.prefix(8).hexadecimal + "/64"
        }
    }

    func number(_ name: String) -> Int64 { parameters.get(name).flatMap { Int64($0) } ?? -1 }
}

/// Why a page is not shown, in words for the visitor.
struct PageError: Error {
    let status: HTTPResponse.Status
    let text: String

    /// The same for what does not exist and for what this member may not know of.
    static let missing = PageError(status: .notFound, text: "There is no such page, or it is not for you.")

    static let busy = PageError(
        status: .serviceUnavailable, text: "Too many visitors sign in at this moment. Please try it again in a minute.")

    static let tooMany = PageError(
        status: .tooManyRequests, text: "This was tried too often. Please try it again in an hour.")

    static func refused(_ text: String) -> PageError { PageError(status: .badRequest, text: text) }
}

/// A form that the site's own page has sent.
struct Form: Sendable {
    let fields: [String: String]

    /// - Throws: ``PageError`` if it is empty or longer than `most` characters.
    func text(_ name: String, called title: String, most: Int) throws -> String {
        let text = optional(name)
        guard !text.isEmpty else { throw PageError.refused("\(title) is empty: go back, and write something.") }
        guard text.count <= most else {
            throw PageError.refused("\(title) has \(text.count) characters, and may have \(most).")
        }
        return text
    }

    /// Without space around it; lines end in a line feed.
    func optional(_ name: String) -> String {
        (fields[name] ?? "").replacing("\r\n", with: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Knows who sends a request, gives each browser a cookie, and makes pages of errors.
struct Visitors: RouterMiddleware {
    static let cookieName = "community"

    let site: Site

    func handle(
        _ request: Request, context: PageContext, next: (Request, PageContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        var isNew = false
        if let cookie = request.cookies[Self.cookieName]?.value, (16...64).contains(cookie.utf8.count) {
            context.cookie = cookie
            context.member = try await site.data.pool.read { try Sessions.member(cookie, $0) }
        } else {
            context.cookie = Secret.newToken()
            isNew = true
        }
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as PageError {
            response = site.pages.message(error.text, status: error.status, context)
        } catch let error as HTTPError {
            response = site.pages.message(
                error.status == .notFound ? PageError.missing.text : "The site cannot answer this: \(error.status).",
                status: error.status, context)
        } catch {
            context.logger.error("a page failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
            response = site.pages.message(
                "The site failed to do this. It is in the log.", status: .internalServerError, context)
        }
        if isNew, response.headers[.setCookie] == nil { response.setCookie(Self.cookie(context.cookie)) }
        response.headers[.contentSecurityPolicy] = response.headers[.contentSecurityPolicy] ?? Self.policy
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "same-origin"
        return response
    }

    /// No script, and nothing from elsewhere. Previews of mails are in frames, and have styles of their own.
    private static let policy =
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
        + "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'"

    static func cookie(_ value: String) -> Cookie {
        Cookie(name: cookieName, value: value, path: "/", httpOnly: true, sameSite: .lax)
    }
}

extension HTTPField.Name {
    static let referrerPolicy = Self("Referrer-Policy")!
}
