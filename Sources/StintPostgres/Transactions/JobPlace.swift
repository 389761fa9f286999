import StintCore

/// What stays with a job while it moves between states.
struct JobPlace: Sendable, Hashable {
    var queue: Int64
    var priority: Int64
    /// The row of its group; `nil` if it has none.
    var group: Int64?
    /// By the wall clock, in milliseconds; `nil`: never.
    var expiresAt: Int64?
}

/// A job and the state in which it is, or was.
struct Located: Sendable, Hashable {
    let id: Int64
    var place: JobPlace
    let state: JobState
    let attempts: Int64
    let crashes: Int64
    let suspect: Bool
    /// Of a leased job.
    let token: Int64?

    // What else goes back with it into its state; known once it was taken out of there.

    /// When it runs, or when it was buried or ended; of a ready job nothing.
    var at: Timestamp?
    var reason: String?
    var holdsGroup = false
    /// Of its burial.
    var errorGroup: Int64?
    /// The number of its burial in another store; `nil`: it is the last one.
    var burial: Int64?
}

/// A group of a queue, by its name.
struct GroupKey: Hashable {
    var queue: Int64
    let name: ByteText
}

extension String {
    /// PostgreSQL keeps no zero bytes in text.
    var storable: String { replacing("\0", with: "\u{FFFD}") }
}
