/// One thing of a store that was checked, and the result.
public struct Finding: Sendable, CustomStringConvertible {
    public let subject: String
    public let isGood: Bool
    public let description: String

    package init(subject: String, isGood: Bool, description: String) {
        self.subject = subject
        self.isGood = isGood
        self.description = description
    }
}

// MARK: - What is the same in any store

extension Finding {
    /// Whether every job is in exactly one state.
    ///
    /// - Parameters:
    ///   - strays: Some of those that are not, each with what it is instead; the first ``namedStrays`` are named.
    ///   - remedy: What to do, as the rest of a sentence.
    package static func states(_ strays: [String], remedy: String) -> Finding {
        guard !strays.isEmpty else {
            return Finding(subject: "states", isGood: true, description: "every job is in exactly one state")
        }
        let named = strays.prefix(namedStrays).joined(separator: ", ") + (strays.count > namedStrays ? " and more" : "")
        return Finding(
            subject: "states", isGood: false,
            description: "another program changed the tables: job \(named); \(remedy), or put the missing jobs again")
    }

    package static let namedStrays = 5

    /// What is wrong with the schedules; nothing if there are none.
    ///
    /// - Parameter hasWorker: Whether a worker lives. A reap that cron runs cannot be seen, only that nothing is late.
    package static func schedules(_ schedules: [ScheduleRecord], at now: Timestamp, hasWorker: Bool) -> [Finding] {
        guard !schedules.isEmpty else { return [] }
        var wrong: [Finding] = []
        for schedule in schedules {
            if let problem = schedule.problem {
                wrong.append(
                    Finding(
                        subject: "schedules", isGood: false,
                        description: "\(quoted(schedule.name)) cannot tick: \(problem); set it again"))
            } else if let next = schedule.nextTickMilliseconds, now - next > Schedule.tolerance.milliseconds {
                let minutes = (now - next) / 60_000
                wrong.append(
                    Finding(
                        subject: "schedules", isGood: false,
                        description:
                            "\(quoted(schedule.name)) has been due for \(minutes) minutes: nothing ticks; start a worker, or "
                            + "let cron run `stint reap` each minute"))
            }
        }
        guard wrong.isEmpty else { return wrong }
        let next = schedules.filter { $0.nextTickMilliseconds != nil }.min {
            $0.nextTickMilliseconds! < $1.nextTickMilliseconds!
        }
        var text = "\(schedules.count), none of them late"
        if let next, let time = next.nextTickMilliseconds { text += "; next \(quoted(next.name)) at \(utcText(time))" }
        if next != nil, !hasWorker {
            text += "; no worker runs: nothing ticks unless a reaper does, or cron runs `stint reap` each minute"
        }
        return [Finding(subject: "schedules", isGood: true, description: text)]
    }

    /// A webhook with a message that has failed so often is reported: once may be a receiver that was restarted.
    package static let manyWebhookAttempts: Int64 = 3
    /// If a message has been ready for longer than this, nothing sends messages.
    private static let longUnsent: Duration = .seconds(300)

    /// What is wrong with the webhooks, of which there are some. No webhook tells of it.
    ///
    /// - Parameters:
    ///   - messages: How many messages of a webhook are buried, and how many have failed
    ///     ``manyWebhookAttempts`` times or more and are tried again.
    ///   - oldestReady: How long the oldest message has been ready; `nil`: there is none.
    package static func webhooks(
        _ webhooks: [WebhookRecord], messages: [String: (buried: Int64, failing: Int64)], oldestReady: Duration?,
        isPaused: Bool
    ) -> [Finding] {
        func finding(_ isGood: Bool, _ description: String) -> Finding {
            Finding(subject: "webhooks", isGood: isGood, description: description)
        }
        var wrong = webhooks.compactMap { trouble(with: $0, messages[$0.name] ?? (0, 0)).map { finding(false, $0) } }
        if let oldestReady, oldestReady > longUnsent {
            let why =
                isPaused
                ? "the queue \(Webhook.queue) is paused"
                : "nothing sends it; start `stint serve`, or a WebhookSender in your service"
            wrong.append(
                finding(isPaused, "a message has waited for \(oldestReady.milliseconds / 60_000) minutes: \(why)"))
        }
        return wrong.isEmpty ? [finding(true, "\(webhooks.count), and none of them fails")] : wrong
    }

    /// `nil`: none.
    private static func trouble(with webhook: WebhookRecord, _ messages: (buried: Int64, failing: Int64)) -> String? {
        let name = quoted(webhook.name)
        if let problem = webhook.problem {
            return "\(name) is told nothing: \(problem); set it again, or delete it"
        }
        let (buried, failing) = messages
        guard buried > 0 || failing > 0 else { return nil }
        var parts: [String] = []
        if failing > 0 {
            parts.append("\(failing) have failed \(manyWebhookAttempts) times or more and are tried again")
        }
        if buried > 0 { parts.append("\(buried) are buried: `stint kick --queue \(Webhook.queue)` sends them again") }
        let last = webhook.lastDelivery.flatMap(\.error).map { "; the last answer: \($0)" } ?? ""
        return "messages of \(name) do not reach \(webhook.origin): \(parts.joined(separator: ", "))\(last)"
    }
}
