import HTTPTypes

/// The headers that every answer has.
enum SecurityHeaders {
    /// Nothing from elsewhere and nothing inline; pages in no frame but the server's own.
    static let page =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    /// For payloads that are documents: no script, no request, no link that leads out.
    static let document =
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'self'"

    static func add(to headers: inout HTTPFields) {
        if headers[.contentSecurityPolicy] == nil { headers[.contentSecurityPolicy] = page }
        headers[.xContentTypeOptions] = "nosniff"
        headers[.init("Referrer-Policy")!] = "no-referrer"
        headers[.init("Cross-Origin-Resource-Policy")!] = "same-origin"
        headers[.init("Cross-Origin-Opener-Policy")!] = "same-origin"
        headers[.init("Permissions-Policy")!] = "camera=(), geolocation=(), microphone=()"
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    }
}
