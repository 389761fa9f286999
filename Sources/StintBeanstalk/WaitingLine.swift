import NIOCore
import StintCore

/// The connections that wait for a job, in the order in which they began to.
struct WaitingLine: Sendable {
    struct Waiter: Sendable {
        let connection: ConnectionID
        /// The tubes that it watches. Those who watch the same ones are a group, and are looked for together.
        let tubes: Set<QueueName>
        /// When it is told that there was none; `nil`: never.
        let timeout: NIODeadline?
        /// What it is told at once if there is no job now; `nil`: it waits.
        let refusal: Reply?
        /// Whether it has not been looked for yet.
        fileprivate(set) var isNew = true
        /// A connection that waits again has another one.
        fileprivate(set) var ticket = 0

        init(connection: ConnectionID, tubes: Set<QueueName>, timeout: NIODeadline?, refusal: Reply?) {
            self.connection = connection
            self.tubes = tubes
            self.timeout = timeout
            self.refusal = refusal
        }
    }

    private struct Place {
        let connection: ConnectionID
        let ticket: Int
    }

    private struct Group {
        /// With places of some that wait no longer.
        var line: [Place] = []
        /// Where the line begins.
        var first = 0
        var waiting = 0
        var new = 0
    }

    private var waiters: [ConnectionID: Waiter] = [:]
    private var groups: [Set<QueueName>: Group] = [:]
    private var lastTicket = 0
    /// How many wait for jobs of a tube.
    private(set) var waiting: [QueueName: Int] = [:]

    var count: Int { waiters.count }

    subscript(connection: ConnectionID) -> Waiter? { waiters[connection] }

    mutating func append(_ waiter: Waiter) {
        lastTicket += 1
        var waiter = waiter
        waiter.ticket = lastTicket
        waiters[waiter.connection] = waiter
        groups[waiter.tubes, default: Group()].line.append(Place(connection: waiter.connection, ticket: lastTicket))
        groups[waiter.tubes]!.waiting += 1
        groups[waiter.tubes]!.new += 1
        for tube in waiter.tubes { waiting[tube, default: 0] += 1 }
    }

    /// It has got a job, or does not wait any more.
    @discardableResult
    mutating func remove(_ connection: ConnectionID) -> Waiter? {
        guard let waiter = waiters.removeValue(forKey: connection) else { return nil }
        groups[waiter.tubes]!.waiting -= 1
        if waiter.isNew { groups[waiter.tubes]!.new -= 1 }
        if groups[waiter.tubes]!.waiting == 0 { groups[waiter.tubes] = nil }
        for tube in waiter.tubes {
            waiting[tube]! -= 1
            if waiting[tube] == 0 { waiting[tube] = nil }
        }
        return waiter
    }

    /// The groups in which somebody has not been looked for yet, or that watch one of these tubes.
    ///
    /// - Parameter tubes: `nil`: all groups.
    func groups(watching tubes: Set<QueueName>?) -> [Set<QueueName>] {
        guard let tubes else { return Array(groups.keys) }
        return groups.compactMap { key, group in group.new > 0 || !key.isDisjoint(with: tubes) ? key : nil }
    }

    func count(of group: Set<QueueName>) -> Int { groups[group]?.waiting ?? 0 }

    /// The connections of a group that begin to be looked for, and what those are told that do not wait.
    mutating func look(for group: Set<QueueName>) -> [(connection: ConnectionID, ticket: Int, refusal: Reply)] {
        guard let line = groups[group], line.new > 0 else { return [] }
        groups[group]!.new = 0
        return line.line[line.first...].compactMap { place in
            guard let waiter = waiters[place.connection], waiter.ticket == place.ticket, waiter.isNew else {
                return nil
            }
            waiters[place.connection]!.isNew = false
            return waiter.refusal.map { (place.connection, place.ticket, $0) }
        }
    }

    /// Whether the connection waits as it did when it was looked for.
    func stillWaits(_ connection: ConnectionID, _ ticket: Int) -> Bool { waiters[connection]?.ticket == ticket }

    /// Who has waited longest of a group.
    mutating func first(of group: Set<QueueName>) -> ConnectionID? {
        guard var line = groups[group] else { return nil }
        while line.first < line.line.count,
            waiters[line.line[line.first].connection]?.ticket != line.line[line.first].ticket
        {
            line.first += 1
        }
        if line.first > 64, line.first > line.line.count / 2 {
            line.line.removeFirst(line.first)
            line.first = 0
        }
        groups[group] = line
        return line.first < line.line.count ? line.line[line.first].connection : nil
    }

    /// Anyone who waits for jobs of the tube.
    func anyone(for tube: QueueName) -> ConnectionID? {
        guard waiting[tube] != nil else { return nil }
        return waiters.values.first { $0.tubes.contains(tube) }?.connection
    }
}
