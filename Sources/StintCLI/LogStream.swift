import Logging
import StintWorker

/// Log messages on standard error, which nobody waits for: see ``OutputDestination``.
struct LogStream: TextOutputStream, Sendable {
    /// A message is one call.
    mutating func write(_ message: String) {
        OutputDestination.standardError.log(Array(message.utf8))
    }

    /// Once, before the first logger is made.
    static func bootstrap() {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler(label: label, stream: LogStream())
            handler.logLevel = .notice
            return handler
        }
    }
}
