import HTTPTypes
import Hummingbird
import ServiceLifecycle
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    /// The changes of one page, as server-sent events.
    static func liveUpdates(_ request: WebRequest) async throws -> Response {
        guard let address = request.query("page") else {
            throw WebError(.badRequest, "the query names no page; expected page=/jobs?q=…, percent-encoded")
        }
        let (make, watched) = try request.watching(address)
        let hub = request.dashboard.live
        let key = LiveHub.Key(address: address, user: request.user.role.rawValue)
        let look = try await hub.watch(key) {
            request.dashboard.templates.content(try await make(watched))
        }
        guard let look else {
            var error = WebError(
                .tooManyRequests, "too many look at too many different pages; this one does not change by itself")
            error.headers[.retryAfter] = "30"
            throw error
        }
        request.connection?.whenClosed(look.end)
        // The pages of all with the same role are made once, and the forms of each browser have its own token.
        let token = request.formToken
        let (session, sessions) = (request.session, request.dashboard.sessions)
        // One that comes back may have got another structure since it loaded the page.
        let structure = request.query("seen")
        let last = request.request.headers[.init("last-event-id")!].flatMap { Int($0) }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .init("x-accel-buffering")!: "no"],
            body: ResponseBody { writer in
                // The browser comes back after this time if the connection ends.
                try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                try await withGracefulShutdownHandler {
                    var seen: LivePage?
                    for await state in look.states {
                        // Who has signed out sees nothing more.
                        if let session, sessions.user(session) == nil { break }
                        defer { seen = state }
                        // The same again shows whether anybody still listens.
                        if state.version == seen?.version ?? last {
                            try await writer.write(ByteBuffer(string: ":\n\n"))
                            continue
                        }
                        var update =
                            seen.map { state.update(after: $0) }
                            ?? state.update(structure: last == nil ? structure : nil)
                        update.html = update.html.map { FormTokens.add(token, to: $0) }
                        try await writer.write(ByteBuffer(string: try Self.event(update, version: state.version)))
                    }
                } onGracefulShutdown: {
                    look.end()
                }
                look.end()
                try await writer.finish(nil)
            })
    }

    private static func event(_ update: LivePage.Update, version: Int) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return "id: \(version)\ndata: \(String(decoding: try encoder.encode(update), as: UTF8.self))\n\n"
    }
}

extension WebRequest {
    /// The page at an address of this server, and a request for it.
    fileprivate func watching(
        _ address: String
    ) throws -> (make: @Sendable (WebRequest) async throws -> Page, request: WebRequest) {
        let base = dashboard.options.basePath
        guard address.hasPrefix(base + "/"), address.utf8.count <= Self.maximumQueryBytes else {
            throw WebError.noPage(String(address.prefix(80)))
        }
        let path = String(address.dropFirst(base.count))
        guard let (make, role, parameters) = Route.page(at: String(path.prefix { $0 != "?" })) else {
            throw WebError.noPage(String(address.prefix(80)))
        }
        if let role { try user.checkRole(role) }
        var head = request.head
        head.path = path
        let watched = WebRequest(
            dashboard: dashboard, request: Request(head: head, body: RequestBody(buffer: ByteBuffer())),
            parameters: parameters, user: user, isSecure: isSecure, session: nil)
        return (make, watched)
    }
}
