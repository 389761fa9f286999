import Logging

extension Logger {
    /// For processes whose standard error is not looked at.
    static let quiet = Logger(label: "stint-bench") { _ in SwiftLogNoOpLogHandler() }
}
