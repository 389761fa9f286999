/// How a process ended.
struct ProcessEnd: Sendable, Hashable {
    enum Status: Sendable, Hashable {
        case exited(Int32)
        /// Ended by the signal of this number.
        case signaled(Int32)
    }

    let status: Status
    /// The peak resident memory, in bytes, of it or of one of its children that it waited for.
    let peakMemoryBytes: Int64
    let ranFor: Duration
}

extension ProcessEnd {
    /// The exit code, if it exited.
    var exitCode: Int32? { if case .exited(let code) = status { code } else { nil } }
    /// The number of the signal that ended it, if one did.
    var signal: Int32? { if case .signaled(let number) = status { number } else { nil } }
    var isSuccess: Bool { status == .exited(0) }
}
