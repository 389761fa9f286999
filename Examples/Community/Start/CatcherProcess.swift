import Foundation
import Logging
import ServiceLifecycle
import Subprocess

/// `stint serve`: the server that catches all mails, and the dashboard.
struct CatcherProcess: Service {
    let options: Community
    let data: SiteDatabase
    let addresses: Addresses

    /// Ends the program when standard input ends, which it does when the process at its other end has ended, also by SIGKILL.
    private static let untilInputEnds = """
        trap : TERM
        "$@" </dev/null &
        exec >/dev/null
        read -r line
        kill $! 2>/dev/null
        wait $!
        """

    func run() async throws {
        let arguments = [
            "serve", "--db", data.path, "--web", "127.0.0.1:\(options.jobsPort)", "--catch-mail",
            "127.0.0.1:\(options.mailPort)", "--max-mails", "\(options.maxMails)",
        ]
        // Ctrl-C is for the main process, which ends this one last.
        var platform = PlatformOptions()
        platform.processGroupID = 0
        platform.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
        let path = try program()
        let outcome = try await cancelWhenGracefulShutdown { [platform, addresses] in
            try await Subprocess.run(
                .path("/bin/sh"), arguments: Arguments(["-c", Self.untilInputEnds, "sh", path] + arguments),
                platformOptions: platform, input: .inputWriter, output: .sequence, error: .currentStandardError
            ) { execution in
                for try await line in execution.standardOutput.strings() { addresses.childSays(line) }
            }
        }
        guard Task.isShuttingDownGracefully || Task.isCancelled else {
            throw SiteProblem("`stint serve` has ended (\(outcome.terminationStatus)): its message is above")
        }
    }

    private func program() throws -> String {
        let own = URL(fileURLWithPath: (CommandLine.arguments.first ?? "")).deletingLastPathComponent().path
        let path = options.stint ?? own + "/stint"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw SiteProblem("'\(path)' is missing: `swift build --product stint`, or give its path with --stint")
        }
        return path
    }
}
