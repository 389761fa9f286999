import Crypto
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Proves that a form comes from a page that this server has made for the same browser.
///
/// Without TLS, and at another address than the browser's own machine, browsers send no `Sec-Fetch-Site`, and, since the
/// pages have no referrer, only `Origin: null`. Then the form must have the code of a secret that is in a cookie of the
/// browser: no page of another site, or of another port of this host, can read either.
struct FormTokens: Sendable {
    static let field = "form-token"
    /// Of a browser that has not signed in yet.
    static let cookie = "stint-form"

    /// Until the server ends.
    private let key = SymmetricKey(size: .bits256)

    func token(of secret: String) -> String {
        HexText.text(HMAC<SHA256>.authenticationCode(for: Data(secret.utf8), using: key))
    }

    func isValid(_ token: String, of secret: String) -> Bool {
        guard let code = HexText.bytes(token) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Data(secret.utf8), using: key)
    }

    /// Adds the token to the forms of a page. Texts of jobs have no tag of their own: they are escaped.
    static func add(_ token: String?, to html: String) -> String {
        guard let token else { return html }
        let field = "<input type=\"hidden\" name=\"\(field)\" value=\"\(token)\">"
        var (result, left) = ("", html[...])
        while let form = left.firstRange(of: "<form method=\"post\""),
            let end = left[form.upperBound...].firstIndex(of: ">")
        {
            result += left[...end] + field
            left = left[left.index(after: end)...]
        }
        return result + left
    }
}
