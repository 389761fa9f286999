/// The jobs that a claim may take from one queue, in order, and the groups that they come from.
struct Choice: Sendable {
    var rows: [Candidate] = []
    /// Only of queues that take turns, by their ids; 0: the jobs without a group.
    var groups: [Int64: GroupInLine] = [:]
}
