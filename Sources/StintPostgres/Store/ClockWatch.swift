import StintCore
import Synchronization

/// Notices when the clock of the server was set, or when another server with another clock has taken over: its time has
/// moved otherwise than this machine's monotonic clock. The difference is written down, and the steady time of all
/// processes is as before: no lease ends, and no rate allows more or less, since a clock was set.
final class ClockWatch: Sendable {
    /// Smaller differences are of the network, or of clocks that run at slightly different speeds.
    static let tolerance: Int64 = 1_000

    /// What was known at one time.
    struct Look: Sendable {
        let steady: Int64
        /// When the server was asked and when it had answered, by this machine's clock in milliseconds.
        let asked: Int64
        let answered: Int64
        let jumps: Int64

        /// By how many milliseconds the server's clock was set ahead since an earlier look; below zero: back. 0 if that
        /// cannot be told from how long the answers took.
        func jump(since earlier: Look) -> Int64 {
            let passed = steady - earlier.steady
            // The server has read its clock at some time between the question and the answer.
            let (least, most) = (asked - earlier.answered, answered - earlier.asked)
            if passed > most + ClockWatch.tolerance { return passed - most }
            if passed < least - ClockWatch.tolerance { return passed - least }
            return 0
        }
    }

    private let latest = Mutex<Look?>(nil)
    private let milliseconds: @Sendable () -> Int64

    /// - Parameter milliseconds: This machine's monotonic clock.
    init(milliseconds: @escaping @Sendable () -> Int64) {
        self.milliseconds = milliseconds
    }

    convenience init() {
        let start = ContinuousClock.now
        self.init { (ContinuousClock.now - start).milliseconds }
    }

    /// Compares the clocks, and writes down a jump since the last call.
    ///
    /// - Returns: The jump; 0: none.
    @discardableResult
    func look(_ connections: PostgresConnections) async throws -> Int64 {
        let asked = milliseconds()
        let row = try await connections.run(
            [PostgresStatement("SELECT stint.steady_ms(), jumps FROM stint.clock")], isReading: true)[0].first
        guard let row else { return 0 }
        let look = Look(
            steady: try row.int(0), asked: asked, answered: milliseconds(), jumps: try row.int(1))
        let earlier = latest.withLock { latest in
            defer { latest = look }
            return latest
        }
        // Another process has written it down already if the number is another one.
        guard let earlier, earlier.jumps == look.jumps else { return 0 }
        let jump = look.jump(since: earlier)
        guard jump != 0 else { return 0 }
        let correction = PostgresStatement(
            Self.correct, [.int(jump), .int(look.jumps), .int(Self.tolerance), .int(earlier.steady)], isRare: true)
        let isWritten = try await connections.run([correction])[0].first?.int(0) ?? 0 > 0
        // From here on by the corrected time.
        latest.withLock { $0 = nil }
        return isWritten ? jump : 0
    }

    /// Writes down a jump, and moves the times that were written since then by the wrong clock: deadlines of leases, starts
    /// of rates, and when workers were last seen. Groups that wait for their rate are looked at again.
    ///
    /// After a clock was set ahead, these times lie in the future. After one was set back they look like times from as long
    /// before; where both are possible they are moved, so a lease may last too long, and a rate allow less.
    ///
    /// $1 the jump, $2 the jumps before, $3 the tolerance, $4 a steady time from before the jump
    private static let correct = """
        WITH corrected AS (
            UPDATE stint.clock SET jumps = jumps + $1 WHERE jumps = $2 RETURNING stint.now_ms() - jumps AS steady
        ), wrong AS MATERIALIZED (
            SELECT CASE WHEN $1::bigint > 0 THEN steady + $3 ELSE $4::bigint + $1 - $3 END AS first, steady + $1 + $3 AS last
            FROM corrected
        ), leases AS (
            UPDATE stint.leases SET deadline = deadline - $1 FROM wrong
            WHERE deadline - duration_ms BETWEEN first AND last
        ), workers AS (
            UPDATE stint.workers SET seen = seen - $1 FROM wrong WHERE seen BETWEEN first AND last
        ), groups AS (
            UPDATE stint.groups SET resume_at = NULL FROM wrong WHERE resume_at IS NOT NULL
        ), starts AS (
            DELETE FROM stint.starts s USING wrong, stint.queues q
            CROSS JOIN LATERAL (
                SELECT greatest(1, coalesce(greatest(q.rate_ms, q.group_rate_ms), 0) / 1000) AS part) p
            WHERE q.id = s.queue_id
                AND s.at BETWEEN first + CASE WHEN $1 > 0 THEN part ELSE 0 END AND last + part
            RETURNING s.queue_id, s.group_id, s.at - $1 AS at, s.starts
        ), moved AS (
            INSERT INTO stint.starts AS t (queue_id, group_id, at, starts) SELECT * FROM starts
            ON CONFLICT (queue_id, group_id, at) DO UPDATE SET starts = t.starts + excluded.starts
        )
        SELECT count(*) FROM corrected
        """
}
