/// What stays with a job while it moves between states.
struct JobPlace {
    let queue: Int64
    let priority: Int64
    /// The row of its group; `nil` if it has none.
    var group: Int64?
    /// By the wall clock, in milliseconds; `nil`: never.
    var expiresAt: Int64?
}
