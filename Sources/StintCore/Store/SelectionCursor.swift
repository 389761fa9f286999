/// The position of a walk over the jobs of a selection. The walk only goes forward and skips jobs that were enqueued
/// after it began, and a walk that kicks skips those that were buried after it began, so it always ends. Only the store
/// that made it reads it. As text it can be kept, so that another process goes on with the walk.
public struct SelectionCursor: Sendable, Hashable, LosslessStringConvertible {
    /// The last job that was read; `nil` at the beginning.
    public let place: JobCursor?
    /// The id of the newest job when the walk began.
    public let newest: Int64
    /// The number of the last burial when the walk began.
    public let lastBurial: Int64
    /// When the walk began. The ages in a query count from then.
    public let start: Timestamp

    public init(place: JobCursor? = nil, newest: Int64, lastBurial: Int64, start: Timestamp) {
        self.place = place
        self.newest = newest
        self.lastBurial = lastBurial
        self.start = start
    }

    /// The same walk at another place; `nil`: at its beginning.
    public func at(_ place: JobCursor?) -> SelectionCursor {
        SelectionCursor(place: place, newest: newest, lastBurial: lastBurial, start: start)
    }

    /// Buried jobs with a greater number are left out. A change that can let a job come back to a state that it applies to
    /// meets only those that were buried when the walk began; any other change, or none, meets all.
    public func lastBurial(for change: JobChange?) -> Int64 { change?.mayApplyAgain == true ? lastBurial : .max }

    public var description: String { "\(newest).\(lastBurial).\(start)\(place.map { ".\($0)" } ?? "")" }

    /// Reads what ``description`` has written; `nil` if it is something else.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        var numbers = parts.prefix { $0.first?.isLetter != true }.map { Int64($0) }
        let rest = parts.dropFirst(numbers.count)
        // One that was kept before burials had numbers; those of that time have 0.
        if numbers.count == 2 { numbers.insert(0, at: 1) }
        guard numbers.count == 3, let newest = numbers[0], let lastBurial = numbers[1], let start = numbers[2] else {
            return nil
        }
        let place = JobCursor(rest.joined(separator: "."))
        guard rest.isEmpty || place != nil else { return nil }
        self.init(place: place, newest: newest, lastBurial: lastBurial, start: start)
    }
}
