/// A group of a queue during a claim.
struct GroupInLine: Sendable {
    /// How far a job of a group of weight 1 moves its turn ahead.
    static let stride: Int64 = 1_000_000
    /// How far a group that has just come moves the queue's turn ahead when it is served.
    static let newcomerStride = stride / 100

    /// 0: the jobs without a group.
    let id: Int64
    /// The row in `stint.groups`.
    let row: Int64
    let weight: Int64
    var turn: Int64
    /// How many of its jobs may start now.
    let room: Int
    var rows: [Candidate] = []
    /// Whether `rows` has all of its ready jobs.
    var isComplete = false
    /// Whether ready jobs of it were left out.
    var hasLeftSome = false

    var step: Int64 { Self.stride / max(1, weight) }
}
