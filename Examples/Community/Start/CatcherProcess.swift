import Foundation
import Logging
import ServiceLifecycle
import Subprocess

/// `stint serve`: the server that catches all mails, and the dashboard.
struct CatcherProcess: Service {
    let options: Community
    let data: SiteDatabase
    let addresses: Addresses

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
                .path(.init(path)), arguments: Arguments(arguments), platformOptions: platform,
                input: .none, output: .sequence, error: .currentStandardError
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
