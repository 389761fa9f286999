import StintCore

/// A command for the jobs of a queue: `mail=php worker.php`. /bin/sh runs it.
struct HandlerArgument {
    let queue: QueueName
    let command: String

    init(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].allSatisfy(\.isWhitespace) else {
            throw StintError.invalidInput("expected a queue and a command, such as mail=/srv/mail/send-mail")
        }
        queue = try QueueName(String(parts[0]))
        command = String(parts[1])
    }
}
