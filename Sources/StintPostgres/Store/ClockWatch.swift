import StintCore
import Synchronization

/// Notices when the clock of the server was set, or when another server with another clock has taken over: its time has
/// moved otherwise than this machine's monotonic clock. The difference is written down, and the steady time of all
/// processes is as before: no lease ends, and no rate allows more, since a clock was set.
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
        let written = try await connections.run([
            PostgresStatement(
                "UPDATE stint.clock SET jumps = jumps + $1 WHERE jumps = $2", [.int(jump), .int(look.jumps)]),
            // Leases that were granted after the clock was set ahead, and before this.
            PostgresStatement(
                """
                UPDATE stint.leases SET deadline = now.steady + duration_ms FROM (SELECT stint.steady_ms() AS steady) now
                WHERE deadline > now.steady + duration_ms + $1
                """, [.int(Self.tolerance)]),
        ])
        // From here on by the corrected time.
        latest.withLock { $0 = nil }
        return written[0].affected > 0 ? jump : 0
    }
}
