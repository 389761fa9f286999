import StintCore

/// Why this side ends a process.
enum TerminationReason: Sendable {
    /// It is not needed any more, or a fresh process is.
    case ordered
    case cancelled
    case timedOut(request: Int, after: Duration)
    /// What is wrong, as a sentence.
    case protocolBroken(String)
    case closedOutput
    /// It reads nothing and works on no job.
    case readsNothing
}
