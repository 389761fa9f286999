import Foundation
import StintPlatform
import Subprocess

/// What this machine allows the tests to do: containers often forbid some of it.
enum Tools {
    static func canMakeNamespaces(_ options: String...) async -> Bool {
        await succeeds("/usr/bin/unshare", options + ["--fork", "true"])
    }

    /// util-linux: to start a process as the first of a terminal.
    static let hasSetsid = access("/usr/bin/setsid", X_OK) == 0

    static func canTraceProcesses() async -> Bool {
        await succeeds("/usr/bin/strace", ["-o", "/dev/null", "true"])
    }

    private static func succeeds(_ program: String, _ arguments: [String]) async -> Bool {
        do {
            return try await run(
                .path(FilePath(program)), arguments: Arguments(arguments), output: .discarded, error: .discarded
            ).terminationStatus.isSuccess
        } catch {
            return false
        }
    }
}
