import StintCore

extension JobTransaction {
    /// A webhook with a message that has failed so often is reported: once may be a receiver that was restarted.
    private static let manyAttempts: Int64 = 3
    /// Messages that have been ready for longer than this are sent by nobody.
    private static let longUnsent: Duration = .seconds(300)

    /// What is wrong with the webhooks; nothing if there are none. No webhook tells of them.
    func webhookFindings() throws -> [Finding] {
        let webhooks = try webhooks()
        guard !webhooks.isEmpty else { return [] }
        let select = try statement(HotSQL.queueID)
        select.bind(1, Webhook.queue.description)
        let queue = try select.first { $0.int(0) }
        var wrong = try webhooks.compactMap { try trouble(with: $0, in: queue).map { finding(false, $0) } }
        if let queue, let age = try oldestReady(in: queue), age > Self.longUnsent {
            let isPaused = try statement("SELECT paused FROM stint_queues WHERE id = ?1").first(queue) { $0.int(0) }
            let why =
                isPaused == 1
                ? "the queue \(Webhook.queue) is paused"
                : "nothing sends it; start `stint serve`, or a WebhookSender in your service"
            wrong.append(
                finding(isPaused == 1, "a message has waited for \(age.milliseconds / 60_000) minutes: \(why)"))
        }
        return wrong.isEmpty ? [finding(true, "\(webhooks.count), and none of them fails")] : wrong
    }

    /// `nil`: none.
    private func trouble(with webhook: WebhookRecord, in queue: Int64?) throws -> String? {
        let name = quoted(webhook.name)
        if let problem = webhook.problem {
            return "\(name) is told nothing: \(problem); set it again, or delete it"
        }
        guard let queue else { return nil }
        let select = try statement(
            """
            SELECT (SELECT count(*) FROM stint_buried WHERE group_id = g.id),
                   (SELECT count(*) FROM stint_delayed WHERE group_id = g.id AND attempts >= ?3)
            FROM stint_groups g WHERE g.queue_id = ?1 AND g.name = ?2
            """)
        select.bind(1, queue)
        select.bind(2, webhook.name)
        select.bind(3, Self.manyAttempts)
        guard let (buried, failing) = try select.first(read: { ($0.int(0), $0.int(1)) }) else { return nil }
        guard buried > 0 || failing > 0 else { return nil }
        var parts: [String] = []
        if failing > 0 { parts.append("\(failing) have failed \(Self.manyAttempts) times or more and are tried again") }
        if buried > 0 { parts.append("\(buried) are buried: `stint kick --queue \(Webhook.queue)` sends them again") }
        let last = webhook.lastDelivery.flatMap(\.error).map { "; the last answer: \($0)" } ?? ""
        return "messages of \(name) do not reach \(webhook.origin): \(parts.joined(separator: ", "))\(last)"
    }

    private func finding(_ isGood: Bool, _ description: String) -> Finding {
        Finding(subject: "webhooks", isGood: isGood, description: description)
    }
}
