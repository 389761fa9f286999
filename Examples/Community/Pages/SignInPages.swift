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
            let account = SignInLimits.account(named: name)
            guard limits.mayTry(account, from: context.origin) else {
                return signInPage(
                    context, problem: "Too many wrong passwords. Please try it again in 15 minutes.", name: name,
                    status: .tooManyRequests)
            }
            let password = form.fields["password"] ?? ""
            let isRight: Bool
            do {
                // It takes as long for a name that does not exist, so the time does not tell who is here.
                isRight = try await passwords.run { Passwords.matches(password, found?.password ?? Passwords.none) }
            } catch {
                limits.wasNotTried(account, from: context.origin)
                throw error
            }
            guard isRight, let member = found else {
                return signInPage(
                    context, problem: "This name and password do not belong together.", name: name,
                    status: .unauthorized)
            }
            limits.succeeded(account, from: context.origin)
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
                    limits.mayGetLink("member \(member.number)")
                else { return }
                try mails.sendPasswordLink(to: member, db)
            }
            return pages.message(
                "If there is such a member with an address, a mail with a link is on its way. It holds for an hour.",
                status: .ok, context)
        }
        router.get("/reset") { request, context -> Response in
            let token = String(request.uri.queryParameters["token"] ?? "")
            guard try await data.pool.read({ try PasswordResets.member(token, $0) }) != nil else { throw Self.oldLink }
            return pages.page("New password", "reset", ["link": token], context)
        }
        router.post("/reset") { request, context -> Response in
            let form = try await form(request, context)
            let password = form.fields["password"] ?? ""
            guard (Passwords.shortest...Passwords.longest).contains(password.utf8.count) else {
                throw PageError.refused("A password has \(Passwords.shortest) to \(Passwords.longest) letters.")
            }
            let link = form.optional("link")
            guard try await data.pool.read({ try PasswordResets.member(link, $0) }) != nil else { throw Self.oldLink }
            let hash = try await passwords.run { try Passwords.hash(password) }
            let member = try await data.pool.write { db in
                try PasswordResets.use(link, newPassword: hash, db).flatMap { try Member.fetchOne(db, key: $0) }
            }
            guard let member else { throw Self.oldLink }
            limits.forget(member)
            return to("/sign-in?done=password")
        }
    }

    private static let oldLink = PageError.refused("This link was used, or is older than an hour. Ask for a new one.")
}
