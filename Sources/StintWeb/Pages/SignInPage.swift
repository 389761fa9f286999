import HTTPTypes
import Hummingbird

extension Route {
    private struct View {
        let base: String
        let isWrong: Bool
        let isOpen: Bool
    }

    static func signInPage(_ request: WebRequest) async throws -> Response {
        signInPage(request, isWrong: false)
    }

    private static func signInPage(_ request: WebRequest, isWrong: Bool) -> Response {
        let dashboard = request.dashboard
        let needsSignIn = dashboard.options.access.needsSignIn
        let view = View(base: dashboard.options.basePath, isWrong: isWrong, isOpen: !needsSignIn)
        // There is no session yet that a form could prove to know.
        let secret = request.formSecret ?? Credentials.newSecret()
        var response = dashboard.templates.page(
            Page(title: "Sign in", template: "sign-in", view: view), dashboard, user: nil, path: request.path,
            status: isWrong ? .forbidden : .ok, formToken: needsSignIn ? dashboard.formTokens.token(of: secret) : nil)
        if needsSignIn, request.formSecret == nil {
            response.setCookie(
                Cookie(
                    name: FormTokens.cookie, value: secret, maxAge: 3_600, path: "/", secure: request.isSecure,
                    httpOnly: true, sameSite: .strict))
        }
        return response
    }

    static func signIn(_ request: WebRequest) async throws -> Response {
        let dashboard = request.dashboard
        guard case .credentials(let credentials) = dashboard.options.access.mode else {
            return .redirect(to: dashboard.options.basePath + "/", type: .normal)
        }
        guard let token = try await request.form()["token"], let user = credentials.user(token: token) else {
            return signInPage(request, isWrong: true)
        }
        var response = Response.redirect(to: dashboard.options.basePath + "/", type: .normal)
        response.setCookie(
            cookie(
                dashboard.sessions.begin(user), isSecure: request.isSecure,
                seconds: Sessions.lifetime.components.seconds))
        return response
    }

    static func signOut(_ request: WebRequest) async throws -> Response {
        if let session = request.session { request.dashboard.sessions.end(session) }
        var response = Response.redirect(to: request.dashboard.options.basePath + "/sign-in", type: .normal)
        response.setCookie(cookie("-", isSecure: request.isSecure, seconds: 0))
        return response
    }

    /// With TLS its name begins with `__Host-`: then no other host, and no page without TLS, can set it.
    private static func cookie(_ value: String, isSecure: Bool, seconds: Int64) -> Cookie {
        Cookie(
            name: isSecure ? Access.secureSessionCookie : Access.sessionCookie, value: value, maxAge: Int(seconds),
            path: "/",
            secure: isSecure, httpOnly: true, sameSite: .strict)
    }
}
