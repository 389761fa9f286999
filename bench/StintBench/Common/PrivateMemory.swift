import Foundation
import StintPlatform

enum PrivateMemory {
    /// The memory that a process shares with no other one and has written to, in bytes; `nil` where the system does not say: it is
    /// Linux that does.
    static func bytes(of process: pid_t) -> Int64? {
        SystemFile.text(of: "/proc/\(process)/smaps_rollup")?.split(separator: "\n").lazy
            .first { $0.hasPrefix("Private_Dirty:") }?
            .split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 * 1_024 }
    }
}
