import Foundation
import StintCore
import StintPlatform

/// The name of a process in a history, which it and the harness know, also where it is in a container: its pid namespace, its
/// id there, and when it was started, since ids are used again.
enum ProcessName {
    static var own: String { of(ProcessIdentity.current.processID) }

    static func of(_ id: Int32) -> String {
        "\(namespace(of: id))\(innermostID(of: id))@\(ProcessIdentity(ofProcess: id).startTime)"
    }

    /// `4026531836:`; empty where the system has none.
    private static func namespace(of id: Int32) -> String {
        let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/ns/pid")
        return name.map { $0.filter(\.isNumber) + ":" } ?? ""
    }

    private static func innermostID(of id: Int32) -> Int32 {
        let status = FileManager.default.contents(atPath: "/proc/\(id)/status") ?? Data()
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("NSpid:") }
        return line?.split(separator: "\t").last.flatMap { Int32($0) } ?? id
    }
}
