import GRDB
import Hummingbird

extension Site {
    func addSignIn(_ router: RouterGroup<PageContext>) {
        router.get("/sign-in") { request, context -> Response in
            signInPage(context, notice: notice(request))
        }
        router.post("/sign-in") { request, context -> Response in
            let form = try await form(request, context)
            let name = form.optional("name")
            let found = try await data.pool.read { try Member.find(named: name, $0) }
            let permission = limits.mayTry(found?.number, from: context.origin)
            guard permission != .refusedForAddress else {
                return signInPage(
                    context, problem: "Too many wrong passwords. Please try it again in 15 minutes.", name: name,
                    status: .tooManyRequests)
            }
            let password = form.fields["password"] ?? ""
            let isRight: Bool
            do {
                // It takes as long for a name that does not exist, and for a member who may not try, so the time does not tell
                // who is here.
                isRight = try await passwords.run { Passwords.matches(password, found?.password ?? Passwords.none) }
            } catch {
                limits.wasNotTried(found?.number, from: context.origin, permission)
                throw error
            }
            guard isRight, permission == .allowed, let member = found else {
                return signInPage(context, problem: Self.wrongPassword, name: name, status: .unauthorized)
            }
            limits.succeeded(member.number, from: context.origin)
            let cookie = try await data.pool.write { try Sessions.begin(member.number, $0) }
            var response = to("/")
            response.setCookie(Visitors.cookie(cookie))
            return response
        }
        post(router, "/sign-out") { _, context, _ in
            try await data.pool.write { try Sessions.end(context.cookie, $0) }
            var response = to("/sign-in")
            response.setCookie(Visitors.cookie(Secret.newToken()))
            return response
        }
        addForgottenPasswords(router)
    }

    private func signInPage(
        _ context: PageContext, problem: String? = nil, name: String = "", notice: String? = nil,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        var view: View = ["name": name]
        view["problem"] = problem
        return pages.page("Sign in", "sign-in", view, context, notice: notice, status: status)
    }

    private func addForgottenPasswords(_ router: RouterGroup<PageContext>) {
        router.get("/forgot") { _, context -> Response in pages.page("Forgot password", "forgot", [:], context) }
        router.post("/forgot") { request, context -> Response in
            let name = try await form(request, context).text("name", called: "The name", most: 300)
            guard limits.mayAskForLinks(from: context.origin) else { throw PageError.tooMany }
            try await data.pool.write { db in
                // The answer is the same for a name that does not exist, and for one that has got some links already, so it does
                // not tell who is here.
                guard let member = try Member.find(named: name, db),
                    limits.mayGetLink(member.number)
                else { return }
                try mails.sendPasswordLink(to: member, db)
            }
            return pages.message(
                "If there is such a member with an address, a mail with a link is on its way. It holds for an hour.",
                status: .ok, context)
        }
        router.get("/reset") { request, context -> Response in
            let token = String(request.uri.queryParameters["reset-token"] ?? "")
            guard try await data.pool.read({ try PasswordResets.member(resetToken: token, $0) }) != nil else {
                throw Self.oldLink
            }
            return pages.page("New password", "reset", ["resetToken": token], context)
        }
        router.post("/reset") { request, context -> Response in
            let form = try await form(request, context)
            let password = form.fields["password"] ?? ""
            guard (Passwords.shortest...Passwords.longest).contains(password.utf8.count) else {
                throw PageError.refused("A password has \(Passwords.shortest) to \(Passwords.longest) letters.")
            }
            let token = form.optional("reset-token")
            guard try await data.pool.read({ try PasswordResets.member(resetToken: token, $0) }) != nil else {
                throw Self.oldLink
            }
            let hash = try await passwords.run { try Passwords.hash(password) }
            let member = try await data.pool.write { db in
                try PasswordResets.use(resetToken: token, newPassword: hash, db)
                    .flatMap { try Member.fetchOne(db, key: $0) }
            }
            guard let member else { throw Self.oldLink }
            limits.forget(member.number)
            return to("/sign-in?done=password")
        }
    }

    /// The same whatever the reason is, so that it does not tell who is here.
    private static let wrongPassword =
        "This name and password do not belong together. After \(SignInLimits.triesOfMember) wrong passwords a member "
        + "cannot sign in for 15 minutes."

    private static let oldLink = PageError.refused("This link was used, or is older than an hour. Ask for a new one.")
}
