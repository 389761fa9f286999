import StintPlatform

/// How the process that ran an attempt ended, and what it left behind. Stored with the attempt for people to read.
/// Unknown values are `nil`.
public struct AttemptDiagnostics: Sendable, Hashable, Codable {
    /// The exit code, if the process exited.
    public var exitCode: Int32?
    /// The name of the signal that ended it: `SIGSEGV`.
    public var signal: String?
    /// The peak resident memory, in bytes. Linux includes the time before exec, when the process still shared the
    /// memory of its worker, so a value about the size of the worker is only an upper bound.
    public var peakMemoryBytes: Int64?
    /// How long the attempt ran.
    public var runTime: Duration? { runTimeMilliseconds.map { .milliseconds($0) } }
    package var runTimeMilliseconds: Int64?
    /// The end of its standard error: valid UTF-8 of at most ``maximumStandardErrorBytes`` bytes.
    public var standardError: String?

    /// How many bytes of a process's standard error are kept.
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

    /// `killed by SIGSEGV` or `exit 255`; `nil` if it is unknown.
    package var howItEnded: String? {
        if let signal { return "killed by \(signal)" }
        return exitCode.map(exitText)
    }
}

/// `exit 1` or `exit 139 (in a shell: SIGSEGV)`: a shell exits with 128 plus the number of the signal that ended its
/// command.
package func exitText(_ code: Int32) -> String {
    let signal = code - 128
    return (1...64).contains(signal) ? "exit \(code) (in a shell: \(signalName(signal)))" : "exit \(code)"
}
