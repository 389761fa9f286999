import ArgumentParser
import StintCore

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the database and report what is wrong and how to fix it.",
        discussion: """
            Exits with 1 if something is wrong.

            Example:
              stint doctor --db /var/lib/app/stint.db
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        let store: any ExaminableStore = try queue.capability(for: "examination")
        let findings = try await store.everyFinding()
        var output = Output()
        for finding in findings {
            try output.line("\(finding.isGood ? "ok   " : "WRONG") \(finding.subject): \(finding.description)")
        }
        try output.flush()
        if findings.contains(where: { !$0.isGood }) { throw ExitCode(1) }
    }
}
