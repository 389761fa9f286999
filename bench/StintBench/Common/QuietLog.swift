import Logging

extension Logger {
    /// For processes whose standard error is ignored.
    static let quiet = Logger(label: "stint-bench") { _ in SwiftLogNoOpLogHandler() }
}
