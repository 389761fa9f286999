#if STINT_MUTATIONS
    import GRDB
    import Synchronization

    /// A guard that can be removed, to see the checks that depend on it turn red. Only the debug build has these
    /// switches.
    package enum RemovedGuard: String, CaseIterable, Sendable {
        /// A late call with an old token counts.
        case fence
        /// A transaction takes the write lock with its first change and not before it reads.
        case immediateTransaction = "immediate-transaction"
        /// An attempt counts when its end is settled, and not when it is claimed.
        case attemptBeforeStart = "attempt-before-start"
        /// Two jobs may get one key. A database that is created then lacks the index too.
        case uniqueIndex = "unique-index"
        /// A digest that was claimed takes events.
        case closedDigest = "closed-digest"
        /// An answer does not wait until the log is on disk.
        case sync
        /// A supervisor answers its workers' acks before these are on disk.
        case earlyAnswer = "early-answer"
        /// Claims hand out jobs whose time is over.
        case expiry
        /// Revocations change no mark, so holders are not told before their next heartbeat.
        case revocation
        /// The jobs of ticks are enqueued in a transaction before that of their notes.
        case tickTransaction = "tick-transaction"
        /// A job that comes back from a claim counts no more in its group.
        case groupCount = "group-count"
        /// A claim forgets the starts of the window.
        case rateWindow = "rate-window"
        /// In a strict order a job that waits for its retry does not hold its group back.
        case heldGroup = "held-group"
        /// A group at its limit is not put back in line when one of its jobs ends.
        case groupReturn = "group-return"
        /// A claim does not move the turn of a group.
        case turn
        /// A claim does not count what is leased of its queue.
        case queueCount = "queue-count"
        /// An enqueue does not look for its idempotency key.
        case idempotencyKey = "idempotency-key"
        /// An enqueue finds its idempotency key however old it is.
        case idempotencyPeriod = "idempotency-period"

        private static let removed = Atomic(0)

        private var bit: Int { 1 << Self.allCases.firstIndex(of: self)! }

        /// Removes it for all of this process, from now on.
        package func remove() { Self.removed.bitwiseOr(bit, ordering: .relaxed) }

        var isRemoved: Bool { Self.removed.load(ordering: .relaxed) & bit != 0 }

        /// The statement as it is without its guard.
        static func rewritten(_ sql: String) -> String {
            guard removed.load(ordering: .relaxed) != 0 else { return sql }
            switch sql {
            case "BEGIN IMMEDIATE" where immediateTransaction.isRemoved: return "BEGIN DEFERRED"
            case HotSQL.deleteLeased where fence.isRemoved, HotSQL.leasedToDone where fence.isRemoved:
                return sql.replacing("token = ?2", with: "?2 = ?2")
            case HotSQL.leasedJob where fence.isRemoved: return sql.replacing("l.token = ?2", with: "?2 = ?2")
            case HotSQL.lease where fence.isRemoved:
                return sql.replacing("WHERE l.token = ?1", with: "ORDER BY l.token = ?1 DESC LIMIT 1")
            case HotSQL.insertLeased where attemptBeforeStart.isRemoved: return sql.replacing("?3", with: "?3 - 1")
            case HotSQL.leasedJob where attemptBeforeStart.isRemoved:
                return sql.replacing("l.attempts", with: "l.attempts + 1")
            case HotSQL.openDigest where closedDigest.isRemoved:
                return sql.replacing("u.was_claimed = 0 AND \(HotSQL.isWaiting)", with: "1")
            case HotSQL.uniqueKeyHolder where uniqueIndex.isRemoved: return sql + " AND 0"
            case HotSQL.loadOfGroup where groupCount.isRemoved, HotSQL.groupsInLineWithLoad where groupCount.isRemoved,
                HotSQL.groupsInLineWithCount where groupCount.isRemoved:
                return sql.replacing("FROM stint_leased WHERE", with: "FROM stint_leased WHERE attempts <= 1 AND")
            case HotSQL.deleteStarts where rateWindow.isRemoved: return sql.replacing("at <= ?3", with: "?3 = ?3")
            case HotSQL.loadOfGroup where heldGroup.isRemoved, HotSQL.groupsInLineWithLoad where heldGroup.isRemoved:
                return sql.replacing("holds_group = 1", with: "0")
            case HotSQL.putInLine where groupReturn.isRemoved: return sql.replacing(", 'full'", with: "")
            case HotSQL.putBackInLine where groupReturn.isRemoved,
                HotSQL.putGroupOfLeasedInLine where groupReturn.isRemoved:
                return sql.replacing("state = 'full'", with: "0")
            case HotSQL.moveTurn where turn.isRemoved, HotSQL.leaveLine where turn.isRemoved:
                return sql.replacing("turn = ?2", with: "turn = turn + 0 * ?2")
            case HotSQL.claimableQueue where queueCount.isRemoved: return sql.replacing("leased,", with: "0,")
            case JobTransaction.earlierJob where idempotencyKey.isRemoved: return sql + " AND 0"
            case JobTransaction.earlierJob where idempotencyPeriod.isRemoved:
                return sql.replacing("enqueued_at > ?3", with: "?3 = ?3")
            default: return sql
            }
        }

        /// Removes what the database itself guards.
        static func unguard(_ database: Database) throws {
            guard uniqueIndex.isRemoved else { return }
            try database.execute(
                sql: """
                    DROP TABLE stint_unique_keys;
                    CREATE TABLE stint_unique_keys (
                        job_id INTEGER PRIMARY KEY, queue_id INTEGER NOT NULL, key TEXT NOT NULL,
                        was_claimed INTEGER NOT NULL DEFAULT 0) STRICT;
                    """)
        }
    }
#endif
