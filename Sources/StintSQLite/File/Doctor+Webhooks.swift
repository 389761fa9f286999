import StintCore

extension JobTransaction {
    /// What is wrong with the webhooks; nothing if there are none.
    func webhookFindings() throws -> [Finding] {
        let webhooks = try webhooks()
        if webhooks.isEmpty { return [] }
        let select = try statement(HotSQL.queueID)
        select.bind(1, Webhook.queue.description)
        guard let queue = try select.first(read: { $0.int(0) }) else {
            return Finding.webhooks(webhooks, messages: [:], oldestReady: nil, isPaused: false)
        }
        let messages = try statement(
            """
            SELECT name, (SELECT count(*) FROM stint_buried WHERE group_id = g.id),
                   (SELECT count(*) FROM stint_delayed WHERE group_id = g.id AND attempts >= ?2)
            FROM stint_groups g WHERE g.queue_id = ?1
            """
        ).rows(queue, Finding.manyWebhookAttempts) { ($0.text(0), (buried: $0.int(1), failing: $0.int(2))) }
        let isPaused = try statement("SELECT paused FROM stint_queues WHERE id = ?1").first(queue) { $0.int(0) }
        return Finding.webhooks(
            webhooks, messages: Dictionary(messages) { $1 }, oldestReady: try oldestReady(in: queue),
            isPaused: isPaused == 1)
    }
}
