/// A group of a queue during a claim; see JobTransaction+Turns.swift.
struct GroupInLine {
    /// How far a job of a group of weight 1 moves its turn ahead.
    static let stride: Int64 = 1_000_000
    /// How far a group that has just come moves the queue's turn ahead when it is served.
    static let newcomerStride = stride / 100

    let id: Int64
    let firstTurn: Int64
    /// From where its turn moves ahead: not from behind the queue's.
    private let start: Int64
    let step: Int64
    /// Known if the queue limits what runs of a group.
    let load: GroupLoad
    /// `nil`: not known yet.
    var room: GroupRoom?
    /// The jobs that were read, of which the first `served` are chosen.
    private var jobs: [Candidate] = []
    private(set) var served = 0
    /// Whether no more of its jobs can be read.
    var isComplete = false
    /// Whether it has ready jobs that were not read.
    private(set) var hasLeftSome = false
    private(set) var lastRead: (priority: Int64, job: Int64) = (.min, .min)

    init(_ row: Statement.Row, queueTurn: Int64, hasLoad: Bool) {
        id = row.int(0)
        firstTurn = row.int(1)
        start = max(firstTurn, queueTurn)
        step = max(1, Self.stride / max(1, row.int(2)))
        load = hasLoad ? GroupLoad(row, from: 3) : GroupLoad()
    }

    var found: Int { jobs.count }
    var isReadUp: Bool { served == jobs.count }
    /// Its turn after the jobs that are chosen so far.
    var turn: Int64 { turn(after: served) }

    func turn(after jobs: Int) -> Int64 { jobs == 0 ? firstTurn : start &+ Int64(jobs) &* step }

    mutating func add(_ rows: [Candidate], isLast: Bool, hasMore: Bool) {
        if jobs.isEmpty { jobs = rows } else { jobs += rows }
        if let last = rows.last { lastRead = (last.priority, last.id) }
        isComplete = isLast || rows.isEmpty
        hasLeftSome = hasMore || !isLast
    }

    var peek: Candidate? { isReadUp || served >= room?.count ?? .max ? nil : jobs[served] }

    mutating func next() -> Candidate? {
        guard peek != nil else { return nil }
        served += 1
        return jobs[served - 1]
    }
}

/// What runs of a group.
struct GroupLoad {
    var running = 0
    /// Whether a job of the group waits for its retry.
    var isHeld = false

    init() {}

    /// The columns of `HotSQL.loadOfGroup`.
    init(_ row: Statement.Row, from first: Int32) {
        running = Int(clamping: row.int(first))
        isHeld = row.int(first + 1) != 0
    }

    func left(of concurrency: Int?, isLimited: Bool) -> Int {
        guard isLimited, let concurrency else { return .max }
        return concurrency - running
    }
}

/// What a group's limits allow.
enum GroupRoom {
    case count(Int)
    /// It has no ready job.
    case idle
    /// Until one of its jobs ends.
    case full
    /// By the monotonic clock.
    case paced(until: Int64)

    var count: Int { if case .count(let count) = self { count } else { 0 } }
    var isEmpty: Bool { count <= 0 }
    var resumeAt: Int64? { if case .paced(let until) = self { until } else { nil } }
}

/// The waiting groups of a queue, by turn, then id. It holds the first ones and is filled up from the database.
struct GroupLine {
    /// In reverse order, so that the next one is the last.
    private var groups: [GroupInLine]
    /// The last group that was read from the database; `nil`: there are no more.
    private(set) var last: GroupInLine?
    /// How many were read at first.
    let size: Int

    init(first groups: [GroupInLine]) {
        self.groups = groups.reversed()
        last = groups.last
        size = max(1, groups.count)
    }

    /// Whether groups that were not read may come before those that were.
    var isShort: Bool {
        guard let last else { return false }
        return groups.last.map { (last.firstTurn, last.id) < ($0.turn, $0.id) } ?? true
    }

    mutating func append(_ more: [GroupInLine]) {
        last = more.last
        for group in more { insert(group) }
    }

    mutating func popFirst() -> GroupInLine? { groups.popLast() }

    mutating func insert(_ group: GroupInLine) {
        var (low, high) = (0, groups.count)
        while low < high {
            let middle = (low + high) / 2
            if (groups[middle].turn, groups[middle].id) > (group.turn, group.id) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        groups.insert(group, at: low)
    }

    /// How many jobs of one group a claim probably takes.
    func fairShare(of room: Int) -> Int { (room + size - 1) / size }
}
