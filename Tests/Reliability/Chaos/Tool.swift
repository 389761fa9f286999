import StintPlatform
import Subprocess

/// A program that the harness needs done.
enum Tool {
    /// - Parameters:
    ///   - errors: The file for what it says is wrong; `nil`: nobody reads it.
    ///   - patience: It is killed after that.
    /// - Returns: How it ended; `nil` if it cannot be started.
    static func run(
        _ program: String, _ arguments: [String], errors: String? = nil, patience: Duration? = nil
    ) async -> TerminationStatus? {
        do {
            let file = try FileDescriptor.open(
                errors ?? "/dev/null", .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
            return try await Subprocess.run(
                .path(FilePath(program)), arguments: Arguments(arguments), input: .none, output: .discarded,
                error: .fileDescriptor(file, closeAfterSpawningProcess: true)
            ) { execution in
                guard let patience else { return }
                try await Task.sleep(for: patience)
                try execution.send(signal: .kill)
            }.terminationStatus
        } catch {
            return nil
        }
    }
}
