import StintCore

extension JobTransaction {
    /// A group that waits longer than this for the retry of its job is reported.
    private static let longWait: Int64 = 600_000
    /// The most groups that are named.
    private static let named = 5

    /// What a person should know about groups; nothing if there are none.
    func limitFindings() throws -> [Finding] {
        let (groups, queues) =
            try statement("SELECT count(*), count(DISTINCT queue_id) FROM stint_groups WHERE name <> ''")
            .first { ($0.int(0), $0.int(1)) } ?? (0, 0)
        guard groups > 0 else { return [] }
        let stuck = try stuckGroups()
        let good = Finding(
            subject: "groups", isGood: true,
            description:
                "\(groups) in \(queues) \(queues == 1 ? "queue" : "queues"); claims look at all that have ready jobs")
        let lost = stuck + (try jobsWithoutTurn())
        return (lost.isEmpty ? [good] : lost) + (try heldGroups())
    }

    /// Groups with ready jobs that no claim looks at, although their limits allow it.
    private func stuckGroups() throws -> [Finding] {
        let found = try statement(
            """
            SELECT q.name, g.name FROM stint_groups g JOIN stint_queues q ON q.id = g.queue_id
            WHERE g.state NOT IN ('waiting', 'paced')
                AND EXISTS (SELECT 1 FROM stint_ready r WHERE r.group_id = g.id)
                AND NOT (g.state = 'full' AND q.group_concurrency IS NOT NULL AND (
                    (SELECT count(*) FROM stint_leased l WHERE l.group_id = g.id AND l.is_counted = 1) >= q.group_concurrency
                    OR q.group_concurrency = 1 AND q.is_loose = 0
                        AND EXISTS (SELECT 1 FROM stint_delayed d WHERE d.group_id = g.id AND d.holds_group = 1)))
            LIMIT \(Self.named)
            """
        ).rows { (queue: $0.text(0), group: $0.text(1)) }
        return found.map { queue, group in
            let name = group.isEmpty ? "the group of the jobs without one" : "group \(quoted(group))"
            return Finding(
                subject: "groups", isGood: false,
                description:
                    "\(name) of queue \(quoted(queue)) has ready jobs and no claim looks at them: another program changed "
                    + "the tables; `stint reap` puts it into the line again")
        }
    }

    /// Groups in a strict order that wait long for the retry of a job, with others behind it. That is as it should be,
    /// and easily taken for a fault.
    private func heldGroups() throws -> [Finding] {
        let found = try statement(
            """
            SELECT q.name, g.name, d.job_id, d.run_at,
                   (SELECT count(*) FROM stint_ready r WHERE r.group_id = g.id) AS behind
            FROM stint_delayed d JOIN stint_groups g ON g.id = d.group_id JOIN stint_queues q ON q.id = g.queue_id
            WHERE d.holds_group = 1 AND q.group_concurrency = 1 AND q.is_loose = 0 AND d.run_at > ?1 AND behind > 0
            ORDER BY behind DESC LIMIT \(Self.named)
            """
        ).rows(now.wall + Self.longWait) {
            (queue: $0.text(0), group: $0.text(1), job: $0.int(2), runAt: $0.int(3), behind: $0.int(4))
        }
        return found.map { queue, group, job, runAt, behind in
            Finding(
                subject: "groups", isGood: true,
                description:
                    "\(quoted(group)) of queue \(quoted(queue)) waits \((runAt - now.wall) / 60_000) more minutes for the "
                    + "retry of job \(job), with \(behind) behind it: its order is strict; `stint run \(job)` tries it now, "
                    + "`stint cancel \(job)` gives it up")
        }
    }

    /// Ready jobs that no claim in turn finds, and that no reap can give a group: nothing if there are none.
    private func jobsWithoutTurn() throws -> [Finding] {
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
