import Logging
import StintWorker

/// Log messages on standard error, written without waiting: see ``OutputDestination``.
struct LogStream: TextOutputStream, Sendable {
    /// A message is one call.
    mutating func write(_ message: String) {
        OutputDestination.standardError.log(Array(message.utf8))
    }

    /// Call it once, before the first logger is created.
    static func bootstrap() {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler(label: label, stream: LogStream())
            handler.logLevel = .notice
            return handler
        }
    }
}
