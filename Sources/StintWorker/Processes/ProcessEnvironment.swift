import CStint
import StintCore
import StintPlatform

/// Environment variables as bytes. A value that is not UTF-8 is passed on unchanged.
struct ProcessEnvironment: Sendable {
    /// `NAME=value`, without NUL.
    private(set) var entries: [[UInt8]]

    /// This process's own environment, as it is now.
    static var inherited: ProcessEnvironment {
        var entries: [[UInt8]] = []
        var next = stint_environment()
        while let entry = next?.pointee {
            entries.append(Array(UnsafeBufferPointer(start: entry, count: strlen(entry)).map(UInt8.init(bitPattern:))))
            next = next?.advanced(by: 1)
        }
        return ProcessEnvironment(entries: entries)
    }

    /// The variables that describe a command's job.
    private static let ofOneJob = [
        "STINT_JOB_ID", "STINT_QUEUE", "STINT_ATTEMPT", "STINT_MAX_ATTEMPTS", "STINT_TOKEN", "STINT_CONTENT_TYPE",
        "STINT_EVENT_CONTENT_TYPE", "STINT_EVENTS", "STINT_DRY_RUN",
        "STINT_HANDLER_ID",
    ]
    private static let headerPrefix = "STINT_HEADER_"

    /// This process's own environment without variables of a job. If this process itself was started by a job, they
    /// must not be taken for those of the jobs that it runs.
    static var ofNoJob: ProcessEnvironment {
        var environment = inherited
        for name in ofOneJob { environment.remove(name) }
        environment.entries.removeAll { $0.starts(with: headerPrefix.utf8) }
        return environment
    }

    /// The environment of handlers: this process's own without variables for this process alone, plus `variables`.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if a variable is not valid.
    static func forHandlers(_ variables: [String: String]) throws -> ProcessEnvironment {
        var environment = ofNoJob
        environment.remove("STINT_SUPERVISOR")
        // A handler that notified systemd would do so in the name of this process.
        for name in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] { environment.remove(name) }
        for (name, value) in variables {
            guard !name.isEmpty, !name.utf8.contains(where: { $0 == 0x3D || $0 == 0 }), !value.utf8.contains(0) else {
                throw StintError.invalidInput(
                    "\(quoted(name)) with the value \(quoted(value)) cannot be an environment variable: a name has no "
                        + "'=', and neither has a NUL")
            }
            environment.set(name, to: value)
        }
        return environment
    }

    /// The caller ensures that the name has no `=` and that neither has a NUL.
    mutating func set(_ name: String, to value: String) {
        let entry = Array("\(name)=\(value)".utf8)
        if let index = index(of: name) { entries[index] = entry } else { entries.append(entry) }
    }

    mutating func remove(_ name: String) {
        // An environment can have a name twice.
        while let index = index(of: name) { entries.remove(at: index) }
    }

    private func index(of name: String) -> Int? {
        let start = Array("\(name)=".utf8)
        return entries.firstIndex { $0.starts(with: start) }
    }
}
