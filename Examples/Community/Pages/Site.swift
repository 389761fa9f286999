import Foundation
import GRDB
import Hummingbird
import StintInbound

/// The pages, and what they need.
struct Site: Sendable {
    let data: SiteDatabase
    let secret: Secret
    let pages: PageTemplates
    let writing: Writing
    let mails: Mails
    let passwords = PasswordWork()
    let limits = SignInLimits()
    /// Where a mail service posts what it receives.
    let inbound: InboundWebhooks

    func router() -> Router<PageContext> {
        let router = Router(context: PageContext.self)
        router.get("/community.css") { [pages] _, _ in pages.stylesheet }
        router.get("/health") { _, _ in "ok" }
        inbound.addRoutes(to: router.group("/inbound"))
        let visited = router.group().add(middleware: Visitors(site: self))
        addSignIn(visited)
        addGroups(visited)
        addPosts(visited)
        addMembers(visited)
        addPreferences(visited)
        addLeaving(visited)
        addNewsletter(visited)
        addTemplates(visited)
        visited.get("**") { _, _ -> Response in throw PageError.missing }
        return router
    }

    /// A page for members; a visitor is sent to sign in.
    func get(
        _ router: RouterGroup<PageContext>, _ path: String,
        _ answer: @escaping @Sendable (Request, PageContext, Member) async throws -> Response
    ) {
        router.get(RouterPath(path)) { request, context -> Response in
            guard let member = context.member else { return .redirect(to: "/sign-in", type: .normal) }
            return try await answer(request, context, member)
        }
    }

    /// What a member does by a form.
    func post(
        _ router: RouterGroup<PageContext>, _ path: String,
        _ answer: @escaping @Sendable (Form, PageContext, Member) async throws -> Response
    ) {
        router.post(RouterPath(path)) { request, context -> Response in
            guard let member = context.member else { return .redirect(to: "/sign-in", type: .normal) }
            return try await answer(try await form(request, context), context, member)
        }
    }

    /// - Throws: ``PageError`` if the form is not from a page that this site has shown in this browser.
    func form(_ request: Request, _ context: PageContext) async throws -> Form {
        let body = try await request.body.collect(upTo: 256 * 1_024)
        let fields = try URLEncodedFormDecoder().decode([String: String].self, from: String(buffer: body))
        guard secret.isToken(fields["token"] ?? "", for: context.cookie, purpose: "form") else {
            throw PageError(
                status: .forbidden,
                text: "This form is from an earlier visit. Go back, load the page again, and send it once more.")
        }
        return Form(fields: fields)
    }

    func to(_ path: String) -> Response { .redirect(to: path, type: .normal) }

    /// What the address says has just been done.
    func notice(_ request: Request) -> String? {
        request.uri.queryParameters["done"].flatMap { Self.notices[String($0)] }
    }

    private static let notices = [
        "posted": "Your post is published. Those who want mail about it get it.",
        "commented": "Your comment is published.",
        "deleted": "The post is deleted. Mails about it that wait are not sent.",
        "joined": "You are in the group.",
        "left": "You have left the group. Mails about it that wait are not sent.",
        "asked": "The owner of the group was told that you want to join.",
        "let-in": "The member is in the group now.",
        "saved":
            "Your preferences are saved. They hold for mails that wait, too; a digest that has begun keeps its hour.",
        "sent": "The newsletter is on its way.",
        "password": "Your password is changed. Sign in with it.",
        "mail-on": "Mail to you is on again.",
    ]
}

extension Site {
    init(data: SiteDatabase, secret: Secret, mails: Mails) throws {
        self.data = data
        self.mails = mails
        self.secret = secret
        pages = try PageTemplates(secret: secret)
        writing = Writing(events: Events(queue: data.queue))
        inbound = try InboundWebhooks(
            queue: data.queue, in: Mails.inbound, services: [.mailgun(signingKeys: [mails.signingKey])])
    }
}
