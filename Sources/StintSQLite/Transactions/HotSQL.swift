/// The statements of the hot path. Tests check the query plan of each, and the benchmark runs the same texts in plain C
/// as the ceiling.
///
/// A job's row in a state replaces one that already exists. That happens only if another program has put a job into two
/// states. If the statement refused it, it would refuse the whole transaction again and again, and with it all other
/// jobs. Of two leases the newer one stays valid, and the holder of the older one gets `leaseLost`.
package enum HotSQL {
    package static let queueID = "SELECT id FROM stint_queues WHERE name = ?1"

    package static let insertJob = """
        INSERT INTO stint_jobs (queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                content_type, headers, payload)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        """
    /// Instead of a row that another program has left behind. `INSERT OR REPLACE` does the same, and costs twice as much
    /// where a table has an index.
    private static func replacing(_ columns: String) -> String {
        let columns = columns.split(separator: ", ").map { "\($0) = excluded.\($0)" }
        return "ON CONFLICT DO UPDATE SET \(columns.joined(separator: ", "))"
    }
    private static let readyValues = "attempts, crashes, suspect, group_id, expires_at"
    /// Of a job that is ready from its enqueue on.
    package static let insertReady = """
        INSERT INTO stint_ready (queue_id, priority, job_id, \(readyValues)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        \(replacing(readyValues)), ready_at = NULL
        """
    package static let insertReadySince = """
        INSERT INTO stint_ready (queue_id, priority, job_id, \(readyValues), ready_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        \(replacing("\(readyValues), ready_at"))
        """
    private static let delayedValues =
        "queue_id, run_at, attempts, crashes, suspect, group_id, expires_at, holds_group"
    package static let insertDelayed = """
        INSERT INTO stint_delayed (job_id, \(delayedValues)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        \(replacing(delayedValues))
        """

    package static let claimableQueue =
        "SELECT \(ClaimableQueue.columns) FROM stint_queues WHERE name = ?1 AND paused = 0"
    package static let dueDelayed = """
        SELECT job_id, group_id FROM stint_delayed WHERE queue_id = ?1 AND run_at <= ?2 ORDER BY run_at, job_id LIMIT ?3
        """
    package static let delayedToReady = """
        INSERT INTO stint_ready (queue_id, priority, job_id, \(readyValues), ready_at)
        SELECT d.queue_id, j.priority, d.job_id, d.attempts, d.crashes, d.suspect, coalesce(d.group_id, ?2), d.expires_at,
               d.run_at
        FROM stint_delayed d JOIN stint_jobs j ON j.id = d.job_id WHERE d.job_id = ?1
        \(replacing("\(readyValues), ready_at"))
        """
    package static let deleteDelayed = "DELETE FROM stint_delayed WHERE job_id = ?1"

    private static let readyColumns = "priority, job_id, \(readyValues), ready_at"
    /// The time of the enqueue comes with them: ids that follow one another are found without a search.
    package static let readyJobs = """
        SELECT r.priority, r.job_id, r.attempts, r.crashes, r.suspect, r.group_id, r.expires_at,
               coalesce(r.ready_at, j.enqueued_at)
        FROM stint_ready r LEFT JOIN stint_jobs j ON j.id = r.job_id
        WHERE r.queue_id = ?1 ORDER BY r.priority, r.job_id LIMIT ?2
        """
    package static let enqueuedAt = "SELECT enqueued_at FROM stint_jobs WHERE id BETWEEN ?1 AND ?2"
    /// The same for a claim that passes over suspects. It reads past all suspects that come first, which are few.
    package static let readyInnocents = """
        SELECT \(readyColumns) FROM stint_ready
        WHERE queue_id = ?1 AND suspect = 0 ORDER BY priority, job_id LIMIT ?2
        """
    /// Read after the claim's commit.
    package static let job = """
        SELECT max_attempts, time_to_run_ms, enqueued_at, content_type, headers, payload, is_digest
        FROM stint_jobs WHERE id = ?1
        """
    package static let insertLease = """
        INSERT INTO stint_leases (queue_id, worker, boot_id, deadline, claimed_at, expires_at, jobs, worker_id, duration_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        """
    package static let insertLeased = """
        INSERT INTO stint_leased (job_id, token, \(readyValues), is_counted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        \(replacing("token, \(readyValues), is_counted"))
        """
    /// A claim takes the first rows of a queue, so one range is deleted instead of each row by itself.
    package static let deleteReadyUpTo = """
        DELETE FROM stint_ready WHERE queue_id = ?1 AND (priority, job_id) <= (?2, ?3)
        """

    /// If suspects stay behind, the rows are no range.
    package static let deleteReady = "DELETE FROM stint_ready WHERE queue_id = ?1 AND priority = ?2 AND job_id = ?3"

    package static let lease = """
        SELECT l.queue_id, l.jobs, q.retention_ms, l.worker, q.concurrency, q.group_concurrency,
            EXISTS (SELECT 1 FROM stint_groups WHERE queue_id = l.queue_id AND state = 'full'),
            l.claimed_at
        FROM stint_leases l JOIN stint_queues q ON q.id = l.queue_id WHERE l.token = ?1
        """
    /// The fence: no row is deleted if the token is not the job's current one.
    package static let deleteLeased = "DELETE FROM stint_leased WHERE job_id = ?1 AND token = ?2"
    package static let leasedJob = """
        SELECT \(LeasedRow.columns)
        FROM stint_leased l JOIN stint_jobs j ON j.id = l.job_id WHERE l.job_id = ?1 AND l.token = ?2
        """
    package static let setPriority = "UPDATE stint_jobs SET priority = ?2 WHERE id = ?1"
    package static let deleteJob = "DELETE FROM stint_jobs WHERE id = ?1"
    package static let leasedToDone = """
        INSERT INTO stint_done (job_id, queue_id, done_at, attempts, crashes, group_id)
        SELECT job_id, ?3, ?4, attempts, crashes, group_id FROM stint_leased WHERE job_id = ?1 AND token = ?2
        \(replacing("queue_id, done_at, attempts, crashes, group_id"))
        """
    /// Whether any job in a range of ids has a unique key, failures, or events.
    package static let anyBelongings = """
        SELECT EXISTS (SELECT 1 FROM stint_unique_keys WHERE job_id BETWEEN ?1 AND ?2),
               EXISTS (SELECT 1 FROM stint_failures WHERE job_id BETWEEN ?1 AND ?2),
               EXISTS (SELECT 1 FROM stint_digests WHERE job_id BETWEEN ?1 AND ?2)
        """
    package static let deleteFailures = "DELETE FROM stint_failures WHERE job_id = ?1"
    package static let shrinkLease = "UPDATE stint_leases SET jobs = jobs - ?2 WHERE token = ?1"
    package static let deleteLease = "DELETE FROM stint_leases WHERE token = ?1"

    private static let addCounts = """
        UPDATE stint_queues SET ready = ready + ?2, delayed = delayed + ?3, leased = leased + ?4, buried = buried + ?5,
                                done = done + ?6, cancelled = cancelled + ?7, expired = expired + ?8
        """
    /// If nothing happened that is counted by time.
    package static let addCountsAlone = "\(addCounts) WHERE id = ?1"
    package static let addCountsAndActivity = "\(addCounts), minute = ?9, activity = ?10 WHERE id = ?1"
    /// The counts of the latest minute.
    package static let activity = "SELECT minute, activity FROM stint_queues WHERE id = ?1"

    /// Used instead if the kept counts are no valid counts. It reads all jobs of the queue; how many were done before
    /// is not known.
    package static let recount = """
        UPDATE stint_queues SET
            ready = (SELECT count(*) FROM stint_ready WHERE queue_id = ?1),
            delayed = (SELECT count(*) FROM stint_delayed WHERE queue_id = ?1),
            leased = (SELECT count(*) FROM stint_leased d JOIN stint_leases l ON l.token = d.token WHERE l.queue_id = ?1),
            buried = (SELECT count(*) FROM stint_buried WHERE queue_id = ?1),
            done = CASE WHEN done BETWEEN 0 AND 1000000000000000 THEN done ELSE 0 END + ?2,
            cancelled = CASE WHEN cancelled BETWEEN 0 AND 1000000000000000 THEN cancelled ELSE 0 END + ?3,
            expired = CASE WHEN expired BETWEEN 0 AND 1000000000000000 THEN expired ELSE 0 END + ?4
        WHERE id = ?1
        """

    // MARK: - Groups

    package static let groupsInLine = "SELECT id, turn, weight \(line)"
    /// The same with what runs of each group, and whether it waits for a job that is to be tried again.
    package static let groupsInLineWithLoad = "SELECT id, turn, weight, \(load("g.id")) \(line)"
    /// The same where no group waits for a job: the order is not strict.
    package static let groupsInLineWithCount = "SELECT id, turn, weight, \(count("g.id")), 0 \(line)"
    private static let line = """
        FROM stint_groups g
        WHERE queue_id = ?1 AND state = 'waiting' AND (turn, id) > (?2, ?3) ORDER BY turn, id LIMIT ?4
        """
    package static let loadOfGroup = "SELECT \(load("?1"))"
    private static func load(_ group: String) -> String {
        "\(count(group)), EXISTS (SELECT 1 FROM stint_delayed WHERE group_id = \(group) AND holds_group = 1)"
    }
    private static func count(_ group: String) -> String {
        "(SELECT count(*) FROM stint_leased WHERE group_id = \(group) AND is_counted = 1)"
    }
    /// `+` keeps SQLite from searching by the queue: it would read past the jobs of all other groups.
    package static let firstJobsOfGroup = """
        SELECT \(readyColumns) FROM stint_ready
        WHERE +queue_id = ?1 AND group_id = ?2 ORDER BY priority, job_id LIMIT ?3
        """
    /// The same of a queue without ``anyReadyLater``: all that it reads is in the index of the groups.
    package static let firstNewJobsOfGroup = """
        SELECT priority, job_id, \(readyValues), NULL FROM stint_ready
        WHERE +queue_id = ?1 AND group_id = ?2 ORDER BY priority, job_id LIMIT ?3
        """
    /// Whether any ready job of the queue became ready later than by its enqueue.
    package static let anyReadyLater = "SELECT 1 FROM stint_ready WHERE queue_id = ?1 AND ready_at IS NOT NULL LIMIT 1"
    package static let jobsOfGroup = """
        SELECT \(readyColumns) FROM stint_ready
        WHERE +queue_id = ?1 AND group_id = ?2 AND (priority, job_id) > (?3, ?4) ORDER BY priority, job_id LIMIT ?5
        """
    package static let innocentsOfGroup = """
        SELECT \(readyColumns) FROM stint_ready
        WHERE +queue_id = ?1 AND group_id = ?2 AND (priority, job_id) > (?3, ?4) AND suspect = 0
        ORDER BY priority, job_id LIMIT ?5
        """
    private static let withinLimits = """
        queue_id = ?1 AND (priority, job_id) > (?2, ?3)
        AND (group_id IS NULL OR group_id NOT IN (
            SELECT id FROM stint_groups WHERE queue_id = ?1 AND state IN ('full', 'paced')))
        """
    package static let jobsWithinLimits = """
        SELECT \(readyColumns) FROM stint_ready WHERE \(withinLimits) ORDER BY priority, job_id LIMIT ?4
        """
    package static let innocentsWithinLimits = """
        SELECT \(readyColumns) FROM stint_ready WHERE \(withinLimits) AND suspect = 0 ORDER BY priority, job_id LIMIT ?4
        """
    /// As ``deleteReadyUpTo``, of one group.
    package static let deleteReadyOfGroupUpTo = """
        DELETE FROM stint_ready WHERE +queue_id = ?1 AND group_id = ?2 AND (priority, job_id) <= (?3, ?4)
        """
    package static let runningOfGroup = "SELECT \(count("?1"))"
    package static let readyOfGroup = "SELECT count(*) FROM stint_ready WHERE +queue_id = ?1 AND group_id = ?2"
    package static let moveTurn = "UPDATE stint_groups SET turn = ?2 WHERE id = ?1"
    package static let leaveLine = "UPDATE stint_groups SET turn = ?2, state = ?3 WHERE id = ?1"
    package static let resumePaced = """
        UPDATE stint_groups SET state = 'waiting', resume_at = NULL, turn = max(turn, ?4)
        WHERE id IN (
            SELECT id FROM stint_groups
            WHERE queue_id = ?1 AND state = 'paced' AND (resume_at <= ?2 OR resume_at > ?2 + 2 * ?3) LIMIT ?5)
        """
    package static let startsAhead =
        "SELECT sum(starts) FROM stint_starts WHERE queue_id = ?1 AND group_id = ?2 AND at > ?3"
    package static let deleteStartsAhead =
        "DELETE FROM stint_starts WHERE queue_id = ?1 AND group_id = ?2 AND at > ?3"
    package static let startsInWindow = """
        SELECT coalesce(sum(starts), 0) FROM stint_starts WHERE queue_id = ?1 AND group_id = ?2 AND at > ?3
        """
    package static let oldestStart = """
        SELECT at FROM stint_starts WHERE queue_id = ?1 AND group_id = ?2 AND at > ?3 ORDER BY at LIMIT 1
        """
    package static let deleteStarts = "DELETE FROM stint_starts WHERE queue_id = ?1 AND group_id = ?2 AND at <= ?3"
    package static let addStarts = """
        INSERT INTO stint_starts (queue_id, group_id, at, starts) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET starts = starts + excluded.starts
        """

    package static let groupID = "SELECT id FROM stint_groups WHERE queue_id = ?1 AND name = ?2"
    /// A group that did nothing for a while has no credit from that time: it begins just before the one that was
    /// served.
    package static let putInLine = putInLine("?1", from: "state IN ('idle', 'full')")
    /// One of its jobs has ended. If it is idle, it has no other one.
    package static let putBackInLine = putInLine("?1", from: "state = 'full'")
    /// The same with the group of a leased job, if the token is the job's current one.
    package static let putGroupOfLeasedInLine =
        putInLine("(SELECT group_id FROM stint_leased WHERE job_id = ?1 AND token = ?3)", from: "state = 'full'")
    private static func putInLine(_ group: String, from states: String) -> String {
        """
        UPDATE stint_groups SET state = 'waiting', turn = max(turn, (SELECT turn - 1 FROM stint_queues WHERE id = ?2))
        WHERE id = \(group) AND \(states)
        """
    }

    package static let extendLease = """
        UPDATE stint_leases SET deadline = max(deadline, ?2), expires_at = max(expires_at, ?3),
                                duration_ms = max(duration_ms, ?4), overdue_since = NULL
        WHERE token = ?1
        """
    package static let isLeased = """
        SELECT 1 FROM stint_leased d JOIN stint_leases l ON l.token = d.token WHERE d.job_id = ?1 AND d.token = ?2
        """

    /// Whether a claim that takes turns would find a job. ?2: whether it skips suspects; 2: and all that comes after them in
    /// their groups.
    package static let anyReadyInLine = """
        SELECT 1 FROM stint_groups g WHERE g.queue_id = ?1 AND g.state = 'waiting' AND EXISTS (
            SELECT 1 FROM stint_ready r WHERE +r.queue_id = ?1 AND r.group_id = g.id AND (?2 = 0 OR r.suspect = 0))
            AND (?2 < 2 OR NOT EXISTS (
                SELECT 1 FROM stint_ready r WHERE +r.queue_id = ?1 AND r.group_id = g.id AND r.suspect <> 0))
        """
    package static let anyReadyWithinLimits = """
        SELECT 1 FROM stint_ready WHERE \(withinLimits) AND (?4 = 0 OR suspect = 0)
            AND (?4 < 2 OR NOT EXISTS (
                SELECT 1 FROM stint_ready r
                WHERE +r.queue_id = ?1 AND r.group_id = stint_ready.group_id AND r.suspect <> 0))
        """
    package static let nextPaced = """
        SELECT min(resume_at) FROM stint_groups WHERE queue_id = ?1 AND state = 'paced'
        """
    package static let anyReady = "SELECT 1 FROM stint_ready WHERE queue_id = ?1"
    package static let anyReadyInnocent = "SELECT 1 FROM stint_ready WHERE queue_id = ?1 AND suspect = 0"
    package static let nextDelayed = "SELECT run_at FROM stint_delayed WHERE queue_id = ?1 ORDER BY run_at LIMIT 1"
}
