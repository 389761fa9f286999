/// How the process that ran an attempt ended and what it left: kept with the attempt, so that a person can act on it.
/// What nobody saw is `nil`.
public struct AttemptDiagnostics: Sendable, Hashable, Codable {
    /// Of a process that exited.
    public var exitCode: Int32?
    /// The name of the signal that ended it: `SIGSEGV`.
    public var signal: String?
    /// The most memory that was resident at one time, in bytes. Linux counts the moment before exec too, when the process
    /// still shared that of its worker: a figure as large as the worker is an upper bound.
    public var peakMemoryBytes: Int64?
    /// How long the attempt ran.
    public var runTimeMilliseconds: Int64?
    /// The last of its standard error, at most ``maximumStandardErrorBytes``, as valid UTF-8.
    public var standardError: String?

    /// How much of a process's standard error is kept.
    public static let maximumStandardErrorBytes = 4_096

    public init(
        exitCode: Int32? = nil, signal: String? = nil, peakMemoryBytes: Int64? = nil,
        runTimeMilliseconds: Int64? = nil, standardError: String? = nil
    ) {
        self.exitCode = exitCode
        self.signal = signal
        self.peakMemoryBytes = peakMemoryBytes
        self.runTimeMilliseconds = runTimeMilliseconds
        self.standardError = standardError
    }

    /// `killed by SIGSEGV` or `exit 255`; `nil` where nobody saw it.
    package var howItEnded: String? {
        if let signal { return "killed by \(signal)" }
        return exitCode.map(exitText)
    }
}

/// `exit 1`, and `exit 139 (a shell's word for SIGSEGV)`: a shell exits with 128 and the number of the signal that ended
/// what it ran.
package func exitText(_ code: Int32) -> String {
    let signal = code - 128
    return (1...64).contains(signal) ? "exit \(code) (a shell's word for \(signalName(signal)))" : "exit \(code)"
}
