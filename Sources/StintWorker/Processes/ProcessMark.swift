import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Identifies a process that this one has started, and its descendants: a variable in the environment, which programs
/// pass on to their children, even after setsid(2) and after the end of their parents.
///
/// A worker process has a mark from its supervisor, a random number. The processes that it starts have that and a
/// number, so a mark is never used twice.
struct ProcessMark: Sendable, Hashable {
    static let variable = "STINT_HANDLER_ID"
    /// The most bytes of an environment that are read.
    private static let longestEnvironment = 1_048_576

    let text: String

    static func random() -> ProcessMark {
        ProcessMark(text: String(UInt64.random(in: .min ... .max), radix: 16))
    }

    /// Covers all that this process starts.
    static let ofThisProcess = SupervisorConnection.current?.mark ?? SupervisorOffer.ofThisProcess?.mark ?? random()

    func part(_ number: Int) -> ProcessMark { ProcessMark(text: "\(text).\(number)") }

    /// Whether a process with the mark `other` is the one with this mark or a descendant.
    func covers(_ other: ProcessMark) -> Bool { other == self || other.text.hasPrefix(text + ".") }

    /// The mark of a process of this machine when it executed its program; `nil` if it has none, or if its environment
    /// cannot be read because it belongs to another user.
    init?(ofProcess id: pid_t) {
        guard let environment = Self.environment(of: id), let mark = Self.value(in: environment) else { return nil }
        text = mark
    }

    /// Uses the C library's functions for speed: this is done for all processes of the machine.
    private static func value(in environment: [UInt8]) -> String? {
        let start = "\(variable)="
        // The NUL ends the last string if the environment was cut.
        return (environment + [0]).withUnsafeBytes { bytes in
            var next = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            let end = next?.advanced(by: bytes.count)
            while let entry = next, let end, entry < end {
                if strncmp(entry, start, start.utf8.count) == 0 {
                    return String(cString: entry.advanced(by: start.utf8.count))
                }
                next = entry.advanced(by: strlen(entry) + 1)
            }
            return nil
        }
    }

    init(text: String) {
        self.text = text
    }

    /// `NAME=value` and a NUL each.
    private static func environment(of id: pid_t) -> [UInt8]? {
        #if canImport(Darwin)
            // The arguments come first and contain no such name.
            var query = [CTL_KERN, KERN_PROCARGS2, id]
            var size = longestEnvironment
            var bytes = [UInt8](repeating: 0, count: size)
            guard sysctl(&query, 3, &bytes, &size, nil, 0) == 0 else { return nil }
            return Array(bytes.prefix(size))
        #else
            return readAll("/proc/\(id)/environ", limit: longestEnvironment)
        #endif
    }
}

/// Reads a file of /proc, which has no length; `nil` if it cannot be read.
func readAll(_ path: String, limit: Int) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while bytes.count < limit {
        let count = read(file, &buffer, buffer.count)
        guard count > 0 else { return count == 0 || !bytes.isEmpty ? bytes : nil }
        bytes += buffer.prefix(count)
    }
    return bytes
}

/// The entries of a folder whose names are numbers, as in /proc.
func numbers(in folder: String) -> [pid_t] {
    guard let entries = opendir(folder) else { return [] }
    defer { closedir(entries) }
    var numbers: [pid_t] = []
    while let entry = readdir(entries) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
            name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if let number = pid_t(name) { numbers.append(number) }
    }
    return numbers
}
