import StintCore
import Synchronization

/// Where the claims of this process begin to look in the line of a queue's ready jobs: behind those that were taken.
///
/// As long as a transaction holds an old snapshot, such as one that is idle or a backup, the server cannot remove the
/// index entries of jobs that were taken. A claim that looked at the whole line would go through all of them: after a
/// minute at 2,000 jobs a second it would do nothing else.
///
/// Each priority has its own mark, so more urgent jobs are found at once. A job that comes back, such as a retry or one
/// that was kicked, has an id below the mark, and so has one whose enqueue took more than a second to commit. The next look
/// at the whole line finds it. As long as such a look is quick, each claim is one. When they are slow, they take at most
/// one twentieth of the time of all workers together.
final class Watermarks: Sendable {
    /// Jobs of the priorities from `priority` to one below `until`; of `priority` itself only those with ids above `after`.
    struct Range: Sendable, Equatable {
        let priority: Int64
        let after: Int64
        let until: Int64

        static let all = Range(priority: -1, after: 0, until: .max)
    }

    /// Where to look: either at the whole line or behind the marks.
    struct Look: Sendable {
        /// In the order of the line.
        var ranges = [Range.all]
        var isWhole = true
        /// How many looks at the whole line had ended when this one began.
        fileprivate var generation = 0
        /// No job up to this id will appear that is not there yet.
        fileprivate var settled: Int64 = 0

        /// The ranges for a statement: their priorities, the ids that they are after, and where they end.
        var parameters: [PostgresValue] {
            [.ints(ranges.map(\.priority)), .ints(ranges.map(\.after)), .ints(ranges.map(\.until))]
        }
    }

    struct Cost: Sendable {
        /// At the server.
        let microseconds: Int64
        /// How many workers share the time for looks at the whole line.
        let workers: Int64
    }

    private struct Line {
        /// By priority: the highest id that was passed.
        var marks: [Int64: Int64] = [:]
        var generation = 0
        var wasSlow = false
        /// Between two looks at the whole line, in milliseconds; 0 if they are quick.
        var pause: Int64 = 0
        var nextWholeLook = Int64.min

        var ranges: [Range] {
            var ranges: [Range] = []
            var (priority, after) = (Range.all.priority, Range.all.after)
            for (next, mark) in marks.sorted(by: { $0.key < $1.key }) {
                ranges.append(Range(priority: priority, after: after, until: next))
                (priority, after) = (next, mark)
            }
            return ranges + [Range(priority: priority, after: after, until: Range.all.until)]
        }

        /// - Parameter taken: In the order of the line: nothing is left before the last of them, and nothing at all if there
        ///   is none.
        mutating func pass(_ taken: [(priority: Int64, id: Int64)], _ look: Look) {
            let last = taken.last
            let known = Set(marks.keys).union(taken.map(\.priority))
            for priority in last.map({ last in known.filter { $0 < last.priority } }) ?? known {
                marks[priority] = max(marks[priority] ?? 0, look.settled)
            }
            if let last {
                let passed = min(last.id, look.settled)
                marks[last.priority] = look.isWhole ? passed : max(marks[last.priority] ?? 0, passed)
            }
            guard marks.count > mostMarks else { return }
            let urgent = Set(marks.keys.sorted().prefix(mostMarks))
            marks = marks.filter { urgent.contains($0.key) }
        }
    }

    private struct State {
        var reconnects = 0
        /// By queue.
        var lines: [Int64: Line] = [:]
        /// The highest id of all that were taken.
        var newest: Int64 = 0
        /// What it was in the last second.
        var noted: [(id: Int64, at: Int64)] = []
        /// What it was before.
        var settled: Int64 = 0

        mutating func note(_ id: Int64, at now: Int64) {
            newest = max(newest, id)
            if noted.last.map({ now - $0.at >= longestCommit / 8 }) ?? true { noted.append((newest, now)) }
            while let first = noted.first, now - first.at >= longestCommit {
                settled = first.id
                noted.removeFirst()
            }
        }
    }

    /// A look that takes longer goes through entries of jobs that are gone.
    static let quickMicroseconds: Int64 = 2_000
    /// Each job that is taken takes its own time.
    static let microsecondsPerJob: Int64 = 50
    /// How much longer than a slow look at the whole line the pause after it is.
    static let pauseFactor: Int64 = 20
    static let longestPause: Int64 = 60_000
    /// In milliseconds. Later commits are found by a look at the whole line.
    static let longestCommit: Int64 = 1_000
    /// If a queue has more priorities, the most urgent ones have marks.
    static let mostMarks = 64

    private let state = Mutex(State())
    private let reconnects: @Sendable () -> Int
    private let milliseconds: @Sendable () -> Int64
    private let quickMicroseconds: Int64

    /// - Parameters:
    ///   - reconnects: How often a connection was made again. The server may be another one then, and give lower ids.
    ///   - milliseconds: A monotonic clock.
    ///   - quickMicroseconds: Tests set it below zero: then no look is quick.
    init(
        reconnects: @escaping @Sendable () -> Int, milliseconds: @escaping @Sendable () -> Int64,
        quickMicroseconds: Int64 = Watermarks.quickMicroseconds
    ) {
        self.reconnects = reconnects
        self.milliseconds = milliseconds
        self.quickMicroseconds = quickMicroseconds
    }

    private func withState<Value>(_ body: (inout State) -> Value) -> Value {
        let reconnects = reconnects()
        return state.withLock { state in
            if state.reconnects != reconnects { state = State(reconnects: reconnects) }
            return body(&state)
        }
    }

    /// - Parameter isClaim: Whether jobs are to be taken. Otherwise a look at the whole line that finds some leaves it to
    ///   the claim to take them.
    func look(at queue: Int64, isClaim: Bool) -> Look {
        let now = milliseconds()
        return withState { state in
            let line = state.lines[queue, default: Line()]
            var look = Look(generation: line.generation, settled: state.settled)
            if now >= line.nextWholeLook {
                // Others look behind the marks meanwhile.
                if isClaim && line.pause > 0 { state.lines[queue]?.nextWholeLook = now + line.pause }
            } else {
                look.isWhole = false
                look.ranges = line.ranges
            }
            return look
        }
    }

    /// When a look at the whole line is due.
    func untilWholeLook(at queue: Int64) -> Duration {
        let now = milliseconds()
        return .milliseconds(withState { max(0, ($0.lines[queue]?.nextWholeLook ?? now) - now) })
    }

    /// Notes how long a look took, and the jobs that were taken then, in the order of the line.
    func hasTaken(_ jobs: [(priority: Int64, id: Int64)], _ look: Look, at queue: Int64, _ cost: Cost) {
        let now = milliseconds()
        withState { state in
            state.note(jobs.lazy.map(\.id).max() ?? 0, at: now)
            // A look at the whole line may have lowered a mark since.
            var line = state.lines[queue, default: Line()]
            if look.isWhole || look.generation == line.generation { line.pass(jobs, look) }
            note(cost, look, jobs: jobs.count, &line, at: now)
            state.lines[queue] = line
        }
    }

    /// Notes how long a look took that was to take nothing, and has found nothing.
    func hasFoundNothing(_ look: Look, at queue: Int64, _ cost: Cost) {
        let now = milliseconds()
        withState { note(cost, look, jobs: 0, &$0.lines[queue, default: Line()], at: now) }
    }

    private func note(_ cost: Cost, _ look: Look, jobs: Int, _ line: inout Line, at now: Int64) {
        guard look.isWhole else { return }
        let isSlow = cost.microseconds > quickMicroseconds + Self.microsecondsPerJob * Int64(jobs)
        // One alone was held up by something else.
        if isSlow && line.wasSlow || quickMicroseconds < 0 {
            let pause = cost.microseconds * Self.pauseFactor * max(1, cost.workers) / 1_000
            line.pause = min(max(1, pause), Self.longestPause)
        } else {
            line.pause = 0
        }
        line.wasSlow = isSlow
        line.nextWholeLook = line.pause > 0 ? now + line.pause : .min
        line.generation += 1
    }
}
