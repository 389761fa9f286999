/// How many jobs match a query, as far as it is known after a bounded amount of work.
public enum JobCount: Sendable, Hashable {
    case exactly(Int)
    /// At least this many match, and what comes after `next` was not counted.
    case moreThan(Int, next: JobCursor)

    /// What was counted.
    public var counted: Int {
        switch self {
        case .exactly(let count), .moreThan(let count, _): count
        }
    }

    /// Where to go on; `nil` if all are counted.
    public var next: JobCursor? {
        switch self {
        case .exactly: nil
        case .moreThan(_, let next): next
        }
    }
}
