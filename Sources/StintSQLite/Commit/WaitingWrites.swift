/// The callers that wait for a transaction, in line.
///
/// A transaction takes the first request in line, and short ones of up to 1,000 jobs, in their order. So a caller with one job
/// waits for at most one of the long requests before it, and for none of those after it.
struct WaitingWrites {
    /// The approximate maximum of jobs that the short requests of one transaction touch: it must stay short.
    private static let shortWeight = 1_000
    /// A request of more jobs than this is long.
    private static let longestShort = shortWeight / 2

    private var line: [any WriteRequest] = []

    var count: Int { line.count }
    var isEmpty: Bool { line.isEmpty }

    mutating func append(_ write: any WriteRequest) { line.append(write) }

    /// Removes what the next transaction performs. The first in line is always taken, so none waits without end.
    mutating func takeGroup() -> [any WriteRequest] {
        var group: [any WriteRequest] = []
        var left: [any WriteRequest] = []
        var (weight, isFull) = (0, false)
        for write in line {
            let fits: Bool
            if write.weight > Self.longestShort {
                fits = group.isEmpty && left.isEmpty
            } else {
                weight += write.weight
                // The short ones keep their order: what comes after the first that does not fit waits too.
                isFull = isFull || weight > Self.shortWeight
                fits = !isFull
            }
            if fits { group.append(write) } else { left.append(write) }
        }
        line = left
        return group
    }
}
