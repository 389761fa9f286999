import StintCore
import StintPlatform

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
    static let ofThisProcess = SupervisorConnection.offeredMark ?? random()

    func part(_ number: Int) -> ProcessMark { ProcessMark(text: "\(text).\(number)") }

    /// Whether a process with the mark `other` is the one with this mark or a descendant.
    func covers(_ other: ProcessMark) -> Bool { other == self || other.text.hasPrefix(text + ".") }

    /// The mark of a process of this machine when it executed its program; `nil` if it has none, or if its environment
    /// cannot be read because it belongs to another user.
    init?(ofProcess id: pid_t) {
        guard let environment = ProcessList.environment(of: id, limit: Self.longestEnvironment),
            let mark = Self.value(in: environment)
        else { return nil }
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
}
