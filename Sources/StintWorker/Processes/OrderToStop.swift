import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Signals that ask a process to end, and do not say that it has done something wrong.
enum OrderToStop {
    static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]
}

extension AttemptDiagnostics {
    /// Whether the process ended as one does that was ordered to: by such a signal, or with the exit code that shells and
    /// handlers of signals give for it (128 and its number).
    var endedAsOrdered: Bool {
        OrderToStop.signals.contains { signal == signalName($0) || exitCode == 128 + $0 }
    }
}

extension ProcessEnd {
    /// The same of a process that has just ended.
    var isAsOrdered: Bool { AttemptDiagnostics(self, standardError: nil).endedAsOrdered }
}
