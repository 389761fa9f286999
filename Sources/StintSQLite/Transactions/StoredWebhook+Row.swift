import StintCore

extension StoredWebhook {
    static let columns = """
        id, name, url, events, template, allow_private, secret, delivered, failed, last_job, last_at, last_status, last_error
        """

    /// Reads a row with ``columns``.
    init(_ row: Statement.Row) {
        let last = row.optionalInt(9).map {
            WebhookDelivery(
                job: JobID(rawValue: $0), atMilliseconds: row.int(10),
                status: row.optionalInt(11).map { Int(clamping: $0) }, error: row.optionalText(12))
        }
        self.init(
            id: row.int(0), name: row.text(1), url: row.text(2),
            events: row.text(3).split(separator: "\n").map(String.init), template: row.text(4),
            allowsPrivate: row.int(5) != 0, secret: row.bytes(6), delivered: row.int(7), failed: row.int(8), last: last)
    }
}
