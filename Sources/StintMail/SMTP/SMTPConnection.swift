import CCurl
import StintPlatform

/// One connection to a mail server. libcurl makes it, with its TLS, its certificates and its credentials, until the server is
/// ready for mail; what follows goes through libcurl as bytes.
///
/// It blocks, never longer than the time limits of the server, and is used by one thread at a time.
final class SMTPConnection {
    private let curl: UnsafeMutableRawPointer
    private let socket: curl_socket_t
    private let handshake: SMTPHandshake
    private let responseTimeout: Duration
    private var reader = SMTPReplyReader()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 1)

    /// What the server says that it can.
    let capabilities: Set<String>
    let isPipelining: Bool

    /// Takes over a connection that libcurl has made.
    init(_ curl: UnsafeMutableRawPointer, _ socket: curl_socket_t, _ handshake: SMTPHandshake, _ server: SMTPServer) {
        self.curl = curl
        self.socket = socket
        self.handshake = handshake
        capabilities = handshake.capabilities
        isPipelining = capabilities.contains("PIPELINING")
        responseTimeout = server.responseTimeout
    }

    /// Says goodbye to a server that waits for a command, and waits shortly for its answer.
    func quit() {
        let end = ContinuousClock.now + min(responseTimeout, .seconds(2))
        do throws(SMTPProblem) {
            try send(Array("QUIT\r\n".utf8), until: end, nil)
            _ = try receive(until: end, nil)
        } catch {
            // It is closed in any case.
        }
    }

    deinit {
        curl_easy_cleanup(curl)
        buffer.deallocate()
    }

    /// Sends all of these bytes.
    ///
    /// - Parameters:
    ///   - count: How many of the first bytes a cancellation may cut short: the message with its final dot. Once they are sent, the
    ///     server may deliver it. `nil`: all bytes.
    ///   - end: When it must be sent. Before that, some bytes must move within the time limit for answers.
    /// - Throws: ``SMTPProblem`` with the count of bytes that the server may have. An answer that came before these bytes were
    ///   sent is none to them, and is a problem too.
    func send(
        _ bytes: [UInt8], message count: Int? = nil, until end: ContinuousClock.Instant,
        _ cancellation: SMTPCancellation?
    ) throws(SMTPProblem) {
        var sent = 0
        do throws(SMTPProblem) {
            if cancellation?.isSet == true { throw .cancelled }
            let isEarly = try receiveNow()
            if isEarly || !reader.isEmpty {
                let words = reader.next().map(text(of:)) ?? ""
                throw SMTPProblem("the server sent an answer before its command: \(words)")
            }
            while sent < bytes.count {
                let deadline = min(end, .now + responseTimeout)
                let mayStop = sent < (count ?? bytes.count)
                sent += try sendPart(bytes, from: sent, until: deadline, mayStop ? cancellation : nil)
            }
        } catch {
            throw error.after(sent)
        }
    }

    /// Sends some bytes, at least one. What is sent at once is small, so that each part moves within the time limit.
    private func sendPart(
        _ bytes: [UInt8], from start: Int, until deadline: ContinuousClock.Instant, _ cancellation: SMTPCancellation?
    ) throws(SMTPProblem) -> Int {
        while true {
            if start > 0, cancellation?.isSet == true { throw .cancelled }
            let (code, count) = bytes.withUnsafeBytes { bytes in
                var count = 0
                let part = min(bytes.count - start, 16_384)
                let code = curl_easy_send(curl, bytes.baseAddress.map { $0 + start }, part, &count)
                return (code, count)
            }
            if code == CURLE_OK, count > 0 { return count }
            guard code == CURLE_OK || code == CURLE_AGAIN else { throw problem(code) }
            try wait(for: POLLOUT, until: deadline, cancellation)
        }
    }

    /// Waits for the server's next answer.
    ///
    /// - Parameter end: When it must be there, if the time limit for answers is not over before.
    func receive(
        until end: ContinuousClock.Instant, _ cancellation: SMTPCancellation?
    ) throws(SMTPProblem) -> SMTPReply {
        var deadline: ContinuousClock.Instant?
        while true {
            if let lines = reader.next() {
                guard let reply = SMTPReply(lines: lines, hiding: handshake.secrets) else {
                    throw SMTPProblem("the server sent no valid answer: \(text(of: lines))")
                }
                return reply
            }
            if reader.isTooLong { throw SMTPProblem("the server's answer is longer than 64 KiB") }
            let limit = deadline ?? min(end, .now + responseTimeout)
            deadline = limit
            if try receiveNow() {
                // Bytes that come and come are no answer.
                if limit <= .now { throw timedOut() }
                continue
            }
            try wait(for: POLLIN, until: limit, cancellation)
        }
    }

    /// Reads what is there.
    ///
    /// - Returns: Whether it was something.
    private func receiveNow() throws(SMTPProblem) -> Bool {
        guard !reader.isTooLong else { return false }
        var count = 0
        let code = curl_easy_recv(curl, buffer.baseAddress, buffer.count, &count)
        if code == CURLE_AGAIN { return false }
        guard code == CURLE_OK else { throw problem(code) }
        guard count > 0 else { throw SMTPProblem("the server has closed the connection") }
        reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return true
    }

    private func wait(
        for events: Int32, until deadline: ContinuousClock.Instant, _ cancellation: SMTPCancellation?
    ) throws(SMTPProblem) {
        var descriptor = pollfd(fd: socket, events: Int16(events), revents: 0)
        while true {
            if cancellation?.isSet == true { throw .cancelled }
            let left = deadline - .now
            guard left > .zero else { throw timedOut() }
            // A cancellation is looked for again and again, since nothing else wakes this thread.
            let time = cancellation == nil ? left : min(left, .milliseconds(250))
            let count = poll(&descriptor, 1, Int32(clamping: time.milliseconds + 1))
            if count > 0 { return }
            if count < 0, errno != EINTR { throw SMTPProblem("poll failed on the connection: errno \(errno)") }
        }
    }

    private func timedOut() -> SMTPProblem { SMTPProblem("the server has not answered in time") }

    private func problem(_ code: CURLcode) -> SMTPProblem { SMTPProblem(String(cString: curl_easy_strerror(code))) }

    private func text(of lines: [[UInt8]]) -> String {
        // Hidden before it is cut, or a part of a secret could stay.
        let words = MailText.hiding(handshake.secrets, in: lines.last ?? [])
        let text = String(decoding: words.prefix(100), as: UTF8.self).unicodeScalars.map { $0.isControl ? " " : $0 }
        return String(String.UnicodeScalarView(text))
    }
}
