/// How a process ended.
struct ProcessEnd: Sendable, Hashable {
    enum Status: Sendable, Hashable {
        case exited(Int32)
        /// Ended by the signal of this number.
        case signaled(Int32)
    }

    let status: Status
    /// The most memory that it, or one of its own children that it waited for, had resident at one time.
    let peakMemoryBytes: Int64
    let ranFor: Duration
}

extension ProcessEnd {
    /// Of a process that exited.
    var exitCode: Int32? { if case .exited(let code) = status { code } else { nil } }
    /// The number of the signal that ended it.
    var signal: Int32? { if case .signaled(let number) = status { number } else { nil } }
    var isSuccess: Bool { status == .exited(0) }
}
