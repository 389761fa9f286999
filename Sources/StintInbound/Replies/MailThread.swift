import StintPlatform

/// The Message-ID that StintMail's messages with a thread refer to, and by which a reply to any of them can be known.
///
/// A reply has it in its `References`. Keep ``key(of:)`` beside what a thread is about, and look it up:
///
///     for key in mail.threadKeys(domain: "example.org") { … }
///
/// It is not signed: a sender can write any. So check who may reply to what it belongs to.
public enum MailThread {
    /// 16 hexadecimal digits that depend on the text only.
    ///
    /// - Parameter thread: The same as in `MailMessage.thread`.
    public static func key(of thread: String) -> String {
        // MailMessage does the same.
        FNV1a.text(thread.utf8)
    }

    /// - Parameter domain: That of `MailMessage.from`.
    public static func messageID(of thread: String, domain: String) -> String {
        "<thread-\(key(of: thread))@\(domain.lowercased())>"
    }
}

extension InboundMail {
    /// The ``MailThread/key(of:)`` of each thread that it refers to, the nearest first.
    ///
    /// - Parameter domain: That of `MailMessage.from`.
    public func threadKeys(domain: String) -> [String] {
        let end = "@\(domain.lowercased())>"
        var keys: [String] = []
        for id in inReplyTo + references.reversed() {
            let id = id.lowercased()
            guard id.hasPrefix("<thread-"), id.hasSuffix(end), id.utf8.count == 8 + 16 + end.utf8.count else {
                continue
            }
            let key = String(id.dropFirst(8).prefix(16))
            if key.utf8.allSatisfy({ HexText.value($0) != nil }), !keys.contains(key) { keys.append(key) }
        }
        return keys
    }
}
