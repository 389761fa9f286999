import CCurl
import StintCore
import StintPlatform

/// Makes connections with libcurl: name, address, TLS, certificates, EHLO, STARTTLS and AUTH are its work.
///
/// With its option CONNECT_ONLY it does all that, and leaves the connection to its user when the server is ready for mail.
enum SMTPConnector {
    private static let isStarted: Bool = ccurl_start() == CURLE_OK

    /// Blocks until the server is ready for mail.
    ///
    /// - Parameter end: When it must be; the time limit for connections may be over before.
    static func connect(
        to server: SMTPServer, until end: ContinuousClock.Instant, _ cancellation: SMTPCancellation
    ) -> Result<SMTPConnection, SMTPFailure> {
        let secrets = [server.password].compactMap(\.self)
        let handshake = SMTPHandshake(secrets: secrets, cancellation: cancellation)
        func failure(_ text: String) -> Result<SMTPConnection, SMTPFailure> {
            let text = String(decoding: MailText.hiding(handshake.secrets, in: Array(text.utf8)), as: UTF8.self)
            return .failure(handshake.failure(text, server))
        }
        guard isStarted, let curl = curl_easy_init() else { return failure("libcurl does not start") }
        let error = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        defer { error.deallocate() }
        error.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        let context = Unmanaged.passUnretained(handshake).toOpaque()
        var code = configure(curl, server, end - .now)
        guard code == CURLE_OK else {
            curl_easy_cleanup(curl)
            return failure("libcurl refuses a setting: \(String(cString: curl_easy_strerror(code)))")
        }
        _ = ccurl_set_pointer(curl, CURLOPT_ERRORBUFFER, error)
        _ = ccurl_on_debug(curl, debug, context)
        _ = ccurl_on_progress(curl, progress, context)
        code = curl_easy_perform(curl)
        // What is said from here on is not said by libcurl.
        _ = ccurl_set_long(curl, CURLOPT_VERBOSE, 0)
        _ = ccurl_set_long(curl, CURLOPT_NOPROGRESS, 1)
        _ = ccurl_set_pointer(curl, CURLOPT_ERRORBUFFER, nil)
        var socket = CURL_SOCKET_BAD
        if code == CURLE_OK { code = ccurl_get_socket(curl, &socket) }
        guard code == CURLE_OK, socket != CURL_SOCKET_BAD else {
            let text = error[0] != 0 ? String(cString: error) : String(cString: curl_easy_strerror(code))
            curl_easy_cleanup(curl)
            return code == CURLE_ABORTED_BY_CALLBACK ? .failure(.cancelled(before: server)) : failure(text)
        }
        return .success(SMTPConnection(curl, socket, handshake, server))
    }

    /// Returns the first error among the settings that must hold.
    private static func configure(
        _ curl: UnsafeMutableRawPointer, _ server: SMTPServer, _ limit: Duration
    ) -> CURLcode {
        func set(_ option: CURLoption, _ value: Int) -> CURLcode { ccurl_set_long(curl, option, value) }
        func set(_ option: CURLoption, _ value: String) -> CURLcode { ccurl_set_string(curl, option, value) }
        let scheme = server.security == .implicit ? "smtps" : "smtp"
        let host = server.host.contains(":") ? "[\(server.host)]" : server.host
        let security = server.security == .startTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE
        var required = [
            set(CURLOPT_URL, "\(scheme)://\(host):\(server.port)/\(server.greetingName ?? "")"),
            set(CURLOPT_PROTOCOLS_STR, "smtp,smtps"),
            set(CURLOPT_CONNECT_ONLY, 1),
            set(CURLOPT_USE_SSL, Int(security.rawValue)),
            // No proxies of the environment, and no signals: there are several threads.
            set(CURLOPT_NOPROXY, "*"),
            set(CURLOPT_NOSIGNAL, 1),
            set(CURLOPT_CONNECTTIMEOUT_MS, Int(server.connectTimeout.milliseconds)),
            set(CURLOPT_TIMEOUT_MS, max(1, Int(limit.milliseconds))),
            set(CURLOPT_SERVER_RESPONSE_TIMEOUT, max(1, Int((server.responseTimeout.milliseconds + 999) / 1_000))),
            set(CURLOPT_VERBOSE, 1),
            set(CURLOPT_NOPROGRESS, 0),
        ]
        if let user = server.user, let password = server.password {
            required += [set(CURLOPT_USERNAME, user), set(CURLOPT_PASSWORD, password)]
        }
        if let certificates = server.certificates { required.append(set(CURLOPT_CAINFO, certificates)) }
        _ = set(CURLOPT_TCP_KEEPALIVE, 1)
        return required.first { $0 != CURLE_OK } ?? CURLE_OK
    }

    private static func handshake(of context: UnsafeMutableRawPointer?) -> SMTPHandshake? {
        context.map { Unmanaged<SMTPHandshake>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let debug: ccurl_debug = { _, type, data, size, context in
        guard type == CURLINFO_HEADER_OUT || type == CURLINFO_HEADER_IN, let data,
            let handshake = handshake(of: context)
        else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: data, count: size)
        if type == CURLINFO_HEADER_OUT { handshake.sent(bytes) } else { handshake.received(bytes) }
        return 0
    }

    private static let progress: ccurl_progress = { context, _, _, _, _ in
        handshake(of: context)?.cancellation.isSet == true ? 1 : 0
    }
}
