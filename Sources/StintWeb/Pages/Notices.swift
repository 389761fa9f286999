import StintCore

/// What an action has done, as the page says it that follows. The address names it by a word of this list: a text of
/// its own could be anybody's.
enum Notices {
    static func text(_ request: WebRequest) -> String? {
        let count =
            request.query("count").flatMap { Int($0) }.map { $0 == 1 ? "1 job" : "\(Words.count($0)) jobs" }
            ?? "The job"
        return switch request.query("done") {
        case "kicked": "\(count) kicked: ready again, with all attempts."
        case "kicked-later": "\(count) kicked: ready after the delay, with all attempts."
        case "moved": "\(count) moved."
        case "prioritized": "\(count) with the new priority."
        case "ordered": "The worker was told, and follows within a second."
        case "run-now": "\(count) made ready."
        case "buried": "\(count) buried."
        case "cancelled": "\(count) cancelled."
        case "deleted": "\(count) deleted."
        case "enqueued": "This job was enqueued."
        case "paused": "Paused: nothing of it starts."
        case "resumed": "Resumed."
        case "webhook-set": "The webhook is set, with the secret that it had."
        case "webhook-deleted": "The webhook is deleted."
        case "examining": "The examination has begun."
        case "mail-deleted": "The mail is deleted."
        case "mails-deleted":
            request.query("count").flatMap { Int($0) }.map {
                $0 == 1 ? "1 mail is deleted." : "\(Words.count($0)) mails are deleted."
            } ?? "The mails are deleted."
        case "set": "The limits are set."
        case "restart": "The workers restart, each when its jobs have ended."
        default: nil
        }
    }
}

extension WebRequest {
    /// The same for a shell.
    func command(_ words: String...) -> String {
        let database = dashboard.options.commandDatabase.map { ["--db", $0] } ?? []
        return (["stint"] + [words[0]] + database + words.dropFirst()).map(Self.shellWord).joined(separator: " ")
    }

    private static func shellWord(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                    || "-_./:=,".utf8.contains($0)
            }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
