import ArgumentParser
import Foundation
import StintPlatform
import Subprocess

/// The `stint` whose real processes are measured.
struct StintProgram: ParsableArguments {
    @Option(help: "The stint that is measured; the one beside this program by default.")
    var program: String?

    /// - Throws: `ValidationError` where there is none.
    func path() throws -> String {
        let path =
            try program
            ?? URL(fileURLWithPath: Self.ofThisProcess()).deletingLastPathComponent().appendingPathComponent("stint")
            .path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw ValidationError("\(path) is not there: build it with `make build`, or name it with --program")
        }
        return path
    }

    /// The file of the program that runs this.
    static func ofThisProcess() throws -> String {
        guard let path = Bundle.main.executablePath else {
            throw BenchError("the system does not say where this program is, so it cannot start processes of it")
        }
        return path
    }

    /// A process group of its own, which is killed when the body has ended.
    static func whileRunning<Result: Sendable>(
        _ command: [String], _ body: (pid_t) async throws -> Result
    ) async throws -> Result {
        var options = PlatformOptions()
        options.createSession = true
        return try await Subprocess.run(
            command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0]),
            arguments: Arguments(Array(command.dropFirst())), platformOptions: options, input: .none,
            output: .discarded, error: .discarded
        ) { execution in
            let pid = execution.processIdentifier.value
            defer { kill(-pid, SIGKILL) }
            return try await body(pid)
        }.closureResult
    }
}
