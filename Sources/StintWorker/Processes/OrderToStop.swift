import StintCore
import StintPlatform

/// Signals that order a process to end and do not indicate an error.
enum OrderToStop {
    static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]
}

extension AttemptDiagnostics {
    /// Whether the process ended as if ordered to: by such a signal, or with the exit code that shells and signal
    /// handlers use for it (128 plus its number).
    var endedAsOrdered: Bool {
        OrderToStop.signals.contains { signal == signalName($0) || exitCode == 128 + $0 }
    }
}

extension ProcessEnd {
    /// The same for a process that has just ended.
    var isAsOrdered: Bool { AttemptDiagnostics(self, standardError: nil).endedAsOrdered }
}
