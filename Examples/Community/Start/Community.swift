import ArgumentParser
import Logging
import Stint

/// The whole site: `community` starts it, and its worker processes are the same program, started by the supervisor.
@main
struct Community: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A gated network that sends mail, for development: only you get them.",
        discussion: "It opens ports on loopback only, and keeps everything in one folder.")

    @Option(help: "The folder of the database and the secret.")
    var data = "community-data"
    @Option(help: "The site's port; 0: any.")
    var port = 8_090
    @Option(help: "The dashboard's port; 0: any.")
    var jobsPort = 8_190
    @Option(help: "The port where mails are caught; 0: any.")
    var mailPort = 1_125
    @Option(help: "How many mails the catcher keeps.")
    var maxMails = 12_000
    @Option(help: "How many members a new site has.")
    var members = 5_000
    @Option(help: "How many worker processes there are.")
    var workers = 2
    @Option(help: "The program `stint`; otherwise the one beside this one.")
    var stint: String?

    func run() async throws {
        // Before anything else: a worker process ends when its supervisor does.
        Supervisor.connectIfSupervised()
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        let data = try await SiteDatabase(folder: data)
        if Worker.isSupervised {
            try await WorkerProcess(data: data).run()
        } else {
            try await MainProcess(options: self, data: data).run()
        }
    }
}
