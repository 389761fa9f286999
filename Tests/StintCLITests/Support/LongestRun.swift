import StintPlatform
import Synchronization
import Testing

/// Kills a process that runs for longer than any test needs, and says what it waited for: then its test fails, and the
/// other tests go on.
final class LongestRun: Sendable {
    private static let limit: Duration = .seconds(240)

    private let watch = Mutex<Task<Void, Never>?>(nil)

    /// From now on; it ends with ``end()``.
    func begin(_ process: RunningProcess) {
        watch.withLock {
            $0 = Task {
                do { try await Task.sleep(for: Self.limit) } catch { return }
                Issue.record(
                    "process \(process.id) runs for longer than \(Self.limit): \(Self.description(of: process))")
                process.send(SIGKILL)
            }
        }
    }

    func end() {
        watch.withLock { $0?.cancel() }
    }

    /// Its arguments, and for each thread the function of the kernel in which it waits.
    private static func description(of process: RunningProcess) -> String {
        let folder = "/proc/\(process.id)"
        let arguments = (SystemFile.text(of: "\(folder)/cmdline") ?? "?").replacing("\0", with: " ")
        let waits = SystemFile.numbers(in: "\(folder)/task").map { thread in
            SystemFile.text(of: "\(folder)/task/\(thread)/wchan") ?? "?"
        }
        return "\(arguments)(\(waits.joined(separator: ", ")))"
    }
}
