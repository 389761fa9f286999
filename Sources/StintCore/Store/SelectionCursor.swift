/// The position of a walk over the jobs of a selection. The walk only goes forward and skips jobs that were enqueued
/// after it began, so it always ends. Only the store that made it reads it. As text it can be kept, so that another
/// process goes on with the walk.
public struct SelectionCursor: Sendable, Hashable, LosslessStringConvertible {
    /// The last job that was read; `nil` at the beginning.
    public let place: JobCursor?
    /// The id of the newest job when the walk began.
    public let newest: Int64
    /// When the walk began. The ages in a query count from then.
    public let start: Timestamp

    public init(place: JobCursor? = nil, newest: Int64, start: Timestamp) {
        self.place = place
        self.newest = newest
        self.start = start
    }

    public var description: String { "\(newest).\(start)\(place.map { ".\($0)" } ?? "")" }

    /// Reads what ``description`` has written; `nil` if it is something else.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let newest = Int64(parts[0]), let start = Int64(parts[1]) else { return nil }
        var place: JobCursor?
        if parts.count == 3 {
            place = JobCursor(String(parts[2]))
            if place == nil { return nil }
        }
        self.init(place: place, newest: newest, start: start)
    }
}
