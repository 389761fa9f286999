import Foundation
import StintPlatform

/// How far a workload has come: a file that only grows, with a line for each beginning and each end of a step. It does
/// not belong to the process that dies: a line that was written stays, even if the process is killed the next moment.
package struct Progress: Sendable {
    /// The last step that has ended well, and the last one that has begun; 0: none.
    package private(set) var ended = 0
    package private(set) var begun = 0
    package private(set) var name = "before the first step"

    package static func path(in folder: String) -> String { folder + "/progress" }

    /// The callbacks with which a workload writes it.
    package static func landmarks(in folder: String) throws -> ScriptedWorkload.Checkpoints {
        let file = open(path(in: folder), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw TortureError("\(path(in: folder)): \(systemError())") }
        func append(_ line: String) throws {
            let bytes = Array((line + "\n").utf8)
            guard write(file, bytes, bytes.count) == bytes.count else {
                throw TortureError("\(path(in: folder)): \(systemError())")
            }
        }
        return ScriptedWorkload.Checkpoints(
            begins: { try append("begins \($0) \($1)") }, ended: { step, _ in try append("ended \(step)") })
    }

    package init(in folder: String) throws {
        guard FileManager.default.fileExists(atPath: Self.path(in: folder)) else { return }
        let text = try String(contentsOfFile: Self.path(in: folder), encoding: .utf8)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count > 1, let step = Int(words[1]) else { throw TortureError("no progress: \(line)") }
            if words[0] == "ended" {
                ended = step
            } else {
                begun = step
                name = String(words.last ?? "")
            }
        }
    }
}
