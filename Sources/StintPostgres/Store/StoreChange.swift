import StintCore

/// What other parts of the program, and other processes, may want to know of a transaction that has been committed. It
/// is sent as text with NOTIFY, so it is short.
struct StoreChange: Sendable, Equatable {
    /// Queues in which a sleeping worker may have something to do.
    var wakes: Set<Int64> = []
    /// Whether jobs were taken from their holders, or their holders must not start them; see `RevocationMark`.
    var revokes = false
    /// Whether the time of the next tick may be another one.
    var changesSchedules = false
    /// Whether anything has changed.
    var isAny = false

    /// Beyond this many, no queue is named, and all listeners look.
    private static let maximumQueues = 200

    static let everything = StoreChange(wakes: [Self.allQueues], revokes: true, changesSchedules: true, isAny: true)
    /// Stands for every queue.
    private static let allQueues: Int64 = 0

    /// Whether a worker may wait for it; otherwise it is only for dashboards.
    var isUrgent: Bool { revokes || changesSchedules || !wakes.isEmpty }

    func concerns(_ queue: Int64) -> Bool { wakes.contains(queue) || wakes.contains(Self.allQueues) }

    mutating func merge(_ other: StoreChange) {
        wakes.formUnion(other.wakes)
        if wakes.count > Self.maximumQueues { wakes = [Self.allQueues] }
        revokes = revokes || other.revokes
        changesSchedules = changesSchedules || other.changesSchedules
        isAny = isAny || other.isAny
    }

    // MARK: - As text

    /// `r` if jobs were revoked, `s` if schedules were changed, and the queues that wake: `rs1,2,3`.
    var text: String {
        (revokes ? "r" : "") + (changesSchedules ? "s" : "")
            + wakes.sorted().map(String.init).joined(separator: ",")
    }

    /// What cannot be read is of a later version, and may mean anything.
    init(text: String) {
        var rest = Substring(text)
        self.init(isAny: true)
        if rest.first == "r" {
            revokes = true
            rest.removeFirst()
        }
        if rest.first == "s" {
            changesSchedules = true
            rest.removeFirst()
        }
        let queues = rest.split(separator: ",").map { Int64($0) }
        guard queues.allSatisfy({ $0 != nil }) else {
            self = .everything
            return
        }
        wakes = Set(queues.compactMap { $0 })
    }

    init(wakes: Set<Int64> = [], revokes: Bool = false, changesSchedules: Bool = false, isAny: Bool = false) {
        self.wakes = wakes
        self.revokes = revokes
        self.changesSchedules = changesSchedules
        self.isAny = isAny
    }
}
