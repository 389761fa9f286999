import CCurl
import Dispatch
import StintCore
import StintPlatform

/// A handle of libcurl, which keeps its connection from one message to the next.
///
/// libcurl blocks, so it has a thread of its own while it works: all but `init` runs on `queue`, which serialises it.
final class SMTPConnection: @unchecked Sendable {
    private let server: SMTPServer
    private let queue = DispatchQueue(label: "stint.mail.smtp")
    private var handle: OpaquePointer?
    private let error = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// What the server has said that it can when the connection was made.
    private var capabilities: Set<String>?

    init(_ server: SMTPServer) {
        self.server = server
        error.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        let (handle, error, queue) = (self.handle.map { UInt(bitPattern: $0) }, UInt(bitPattern: self.error), queue)
        // It says goodbye to the server, and may wait for it.
        queue.async {
            if let handle {
                SMTPConnection.withoutBrokenPipes { curl_easy_cleanup(UnsafeMutableRawPointer(bitPattern: handle)) }
            }
            UnsafeMutablePointer<CChar>(bitPattern: error)?.deallocate()
        }
    }

    private static let isStarted: Bool = ccurl_start() == CURLE_OK

    /// Sends a message.
    func send(_ message: [UInt8], _ envelope: MailEnvelope) async -> Result<SMTPReceipt, SMTPFailure> {
        await run { connection, cancellation in connection.deliver(message, envelope, cancellation) }
    }

    /// Connects, if it is not connected, and asks for a sign of life.
    func check() async -> Result<Set<String>, SMTPFailure> {
        await run { connection, cancellation in connection.look(cancellation) }
    }

    private func run<Value: Sendable>(
        _ body: @escaping @Sendable (SMTPConnection, SMTPCancellation) -> Value
    ) async -> Value {
        let cancellation = SMTPCancellation()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { [self] in
                    continuation.resume(returning: Self.withoutBrokenPipes { body(self, cancellation) })
                }
            }
        } onCancel: {
            cancellation.set()
        }
    }

    /// Blocks SIGPIPE meanwhile: libcurl leaves this to its user if there are several threads. The thread has work of
    /// others afterwards.
    private static func withoutBrokenPipes<Value>(_ body: () -> Value) -> Value {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        var before = sigset_t()
        sigemptyset(&before)
        pthread_sigmask(SIG_BLOCK, &signals, &before)
        let value = body()
        // One that waits would come when it is not blocked any more.
        var pending = sigset_t()
        sigemptyset(&pending)
        sigpending(&pending)
        if sigismember(&before, SIGPIPE) == 0, sigismember(&pending, SIGPIPE) == 1 {
            var number: Int32 = 0
            sigwait(&signals, &number)
        }
        pthread_sigmask(SIG_SETMASK, &before, nil)
        return value
    }

    // MARK: - On the queue

    private func deliver(
        _ message: [UInt8], _ envelope: MailEnvelope, _ cancellation: SMTPCancellation
    ) -> Result<SMTPReceipt, SMTPFailure> {
        let needed = SMTPExtension.needed(message, envelope)
        if !needed.isEmpty {
            if capabilities == nil, case .failure(let failure) = look(cancellation) { return .failure(failure) }
            for one in needed where capabilities?.contains(one.rawValue) != true {
                return .failure(one.missing(at: server))
            }
        }
        let first = exchange(message, envelope, cancellation, isFresh: false)
        guard first.isStale else { return first.result(envelope, server) }
        // The server has closed the connection since the last message.
        return exchange(message, envelope, cancellation, isFresh: true).result(envelope, server)
    }

    private func look(_ cancellation: SMTPCancellation) -> Result<Set<String>, SMTPFailure> {
        let first = exchange([], nil, cancellation, isFresh: false)
        let outcome = first.isStale ? exchange([], nil, cancellation, isFresh: true) : first
        if let failure = outcome.failureOfLook(server) { return .failure(failure) }
        return .success(capabilities ?? [])
    }

    /// One use of the connection: a message, or without an envelope a question whether the server is there.
    private func exchange(
        _ message: [UInt8], _ envelope: MailEnvelope?, _ cancellation: SMTPCancellation, isFresh: Bool
    ) -> SMTPExchange {
        guard Self.isStarted, let curl = openHandle() else {
            return SMTPExchange(code: CURLE_FAILED_INIT, isReused: false, text: "libcurl does not start", dialogue: nil)
        }
        let secrets = [server.password].compactMap(\.self)
        let dialogue = SMTPDialogue(message, cancellation: cancellation, secrets: secrets)
        var recipients: UnsafeMutablePointer<curl_slist>?
        for recipient in envelope?.recipients ?? [] {
            recipients = curl_slist_append(recipients, recipient.address)
        }
        defer { curl_slist_free_all(recipients) }
        curl_easy_reset(curl)
        error[0] = 0
        let configured = configure(curl)
        guard configured == CURLE_OK else {
            curl_easy_reset(curl)
            return SMTPExchange(
                code: configured, isReused: false,
                text: "libcurl refuses a setting: \(String(cString: curl_easy_strerror(configured)))", dialogue: nil)
        }
        set(curl, CURLOPT_FRESH_CONNECT, isFresh ? 1 : 0)
        let context = Unmanaged.passUnretained(dialogue).toOpaque()
        _ = ccurl_on_debug(curl, SMTPCallbacks.debug, context)
        _ = ccurl_on_progress(curl, SMTPCallbacks.progress, context)
        if let envelope {
            set(curl, CURLOPT_UPLOAD, 1)
            set(curl, CURLOPT_MAIL_FROM, envelope.sender?.address ?? "")
            _ = ccurl_set_list(curl, CURLOPT_MAIL_RCPT, recipients)
            set(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1)
            _ = ccurl_set_offset(curl, CURLOPT_INFILESIZE_LARGE, curl_off_t(message.count))
            _ = ccurl_on_read(curl, SMTPCallbacks.read, context)
        } else {
            set(curl, CURLOPT_CUSTOMREQUEST, "NOOP")
            set(curl, CURLOPT_NOBODY, 1)
        }
        let code = withExtendedLifetime(dialogue) { curl_easy_perform(curl) }
        var connects = 0
        _ = ccurl_get_long(curl, CURLINFO_NUM_CONNECTS, &connects)
        if let found = dialogue.capabilities { capabilities = found } else if connects > 0 { capabilities = nil }
        let text = error[0] != 0 ? String(cString: error) : String(cString: curl_easy_strerror(code))
        // The dialogue ends here, and the connection may speak later, at its end.
        curl_easy_reset(curl)
        set(curl, CURLOPT_NOSIGNAL, 1)
        return SMTPExchange(
            code: code, isReused: connects == 0,
            text: String(decoding: MailText.hiding(secrets, in: Array(text.utf8)), as: UTF8.self),
            dialogue: dialogue)
    }

    private func openHandle() -> UnsafeMutableRawPointer? {
        if handle == nil { handle = curl_easy_init().map { OpaquePointer($0) } }
        return handle.map { UnsafeMutableRawPointer($0) }
    }

    /// - Returns: The first error among the settings that must hold.
    private func configure(_ curl: UnsafeMutableRawPointer) -> CURLcode {
        let scheme = server.security == .implicit ? "smtps" : "smtp"
        let host = server.host.contains(":") ? "[\(server.host)]" : server.host
        set(curl, CURLOPT_URL, "\(scheme)://\(host):\(server.port)/\(server.greetingName ?? "")")
        var required = [
            set(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps"),
            set(
                curl, CURLOPT_USE_SSL,
                server.security == .startTLS ? Int(CURLUSESSL_ALL.rawValue) : Int(CURLUSESSL_NONE.rawValue)),
            // No proxies of the environment, and no signals: there are several threads.
            set(curl, CURLOPT_NOPROXY, "*"),
        ]
        if let user = server.user, let password = server.password {
            set(curl, CURLOPT_USERNAME, user)
            set(curl, CURLOPT_PASSWORD, password)
        }
        if let certificates = server.certificates { required.append(set(curl, CURLOPT_CAINFO, certificates)) }
        set(curl, CURLOPT_NOSIGNAL, 1)
        set(curl, CURLOPT_TCP_KEEPALIVE, 1)
        set(curl, CURLOPT_CONNECTTIMEOUT_MS, Int(server.connectTimeout.milliseconds))
        set(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, Self.seconds(server.responseTimeout))
        set(curl, CURLOPT_LOW_SPEED_LIMIT, 1)
        set(curl, CURLOPT_LOW_SPEED_TIME, Self.seconds(server.responseTimeout))
        set(curl, CURLOPT_TIMEOUT_MS, Int(server.messageTimeout.milliseconds))
        set(curl, CURLOPT_VERBOSE, 1)
        set(curl, CURLOPT_NOPROGRESS, 0)
        _ = ccurl_set_pointer(curl, CURLOPT_ERRORBUFFER, error)
        return required.first { $0 != CURLE_OK } ?? CURLE_OK
    }

    private static func seconds(_ duration: Duration) -> Int { max(1, Int((duration.milliseconds + 999) / 1_000)) }

    @discardableResult
    private func set(_ curl: UnsafeMutableRawPointer, _ option: CURLoption, _ value: Int) -> CURLcode {
        ccurl_set_long(curl, option, value)
    }

    @discardableResult
    private func set(_ curl: UnsafeMutableRawPointer, _ option: CURLoption, _ value: String) -> CURLcode {
        ccurl_set_string(curl, option, value)
    }
}

/// What libcurl calls; the context is the ``SMTPDialogue``.
private enum SMTPCallbacks {
    static let read: ccurl_read = { buffer, size, count, context in
        guard let context, let buffer else { return 0 }
        let dialogue = Unmanaged<SMTPDialogue>.fromOpaque(context).takeUnretainedValue()
        return dialogue.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
    }

    static let debug: ccurl_debug = { _, type, data, size, context in
        guard let context, let data else { return 0 }
        let dialogue = Unmanaged<SMTPDialogue>.fromOpaque(context).takeUnretainedValue()
        let bytes = UnsafeRawBufferPointer(start: data, count: size)
        switch type {
        case CURLINFO_HEADER_OUT: dialogue.sent(bytes)
        case CURLINFO_HEADER_IN: dialogue.received(bytes)
        default: break
        }
        return 0
    }

    /// Once the server may have all of the message, its answer is waited for, since only that says whether it has.
    static let progress: ccurl_progress = { context, _, _, _, _ in
        guard let context else { return 0 }
        let dialogue = Unmanaged<SMTPDialogue>.fromOpaque(context).takeUnretainedValue()
        return dialogue.cancellation.isSet && !dialogue.isMessageSent ? 1 : 0
    }
}
