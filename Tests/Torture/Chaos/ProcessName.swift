import StintCore

/// The name of a process in a history; a process id alone is used again.
enum ProcessName {
    static var own: String { of(ProcessIdentity.current.processID) }

    static func of(_ id: Int32) -> String {
        let identity = ProcessIdentity(ofProcess: id)
        return "\(identity.processID)@\(identity.startTime)"
    }
}
