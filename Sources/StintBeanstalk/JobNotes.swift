import StintCore

/// What `stats-job` says of jobs and the store does not keep. It is lost with the server, and of the jobs for which
/// nothing was noted for longest if there are very many.
struct JobNotes: Sendable {
    struct Note: Sendable {
        var reserves = 0
        var timeouts = 0
        var releases = 0
        var buries = 0
        var kicks = 0
        /// The delay of the put or the last release, in seconds.
        var delay: UInt32 = 0
    }

    /// The most jobs for which something is noted: about 20 MB.
    static let most = 200_000

    private var current: [JobID: Note] = [:]
    /// Those for which nothing was noted since the current ones were begun.
    private var earlier: [JobID: Note] = [:]

    subscript(id: JobID) -> Note { current[id] ?? earlier[id] ?? Note() }

    mutating func change(_ id: JobID, _ change: (inout Note) -> Void) {
        var note = self[id]
        change(&note)
        earlier[id] = nil
        current[id] = note
        if current.count >= Self.most / 2 {
            earlier = current
            current = [:]
        }
    }

    mutating func forget(_ id: JobID) {
        current[id] = nil
        earlier[id] = nil
    }
}
