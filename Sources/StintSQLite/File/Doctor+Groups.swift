import StintCore

extension JobTransaction {
    /// Ready jobs that no claim in turn finds, and that no reap can give a group: nothing if there are none.
    func groupFindings() throws -> [Finding] {
        try statement(
            """
            SELECT q.name, count(*), min(r.job_id) FROM stint_ready r JOIN stint_queues q ON q.id = r.queue_id
            LEFT JOIN stint_groups g ON g.id = r.group_id
            WHERE q.ungrouped IS NOT NULL AND (r.group_id IS NULL OR g.queue_id <> r.queue_id)
            GROUP BY q.id ORDER BY q.name
            """
        ).rows { row in
            Finding(
                subject: "groups", isGood: false,
                description:
                    "\(row.int(1)) ready jobs of \(quoted(row.text(0))), the first is \(row.int(2)), are in no group of "
                    + "their queue and never have their turn: another program changed the tables; delete them "
                    + "with `stint delete`, and put them again")
        }
    }
}
