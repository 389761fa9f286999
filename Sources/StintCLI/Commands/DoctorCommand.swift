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
        // If it was moved: this one, to see whether all was forwarded, and then that one.
        let here = JobQueue(store: try await database.address().openHere(StoreOpening(onlyReads: true)))
        let queue = try await database.open(onlyReads: true)
        var stores: [any ExaminableStore] = [try here.capability(for: "examination")]
        if queue.store.address != here.store.address { stores.append(try queue.capability(for: "examination")) }
        var findings: [Finding] = []
        for store in stores { findings += try await store.everyFinding() }
        var output = Output()
        for finding in findings {
            try output.line("\(finding.isGood ? "ok   " : "WRONG") \(finding.subject): \(finding.description)")
        }
        try output.flush()
        if findings.contains(where: { !$0.isGood }) { throw ExitCode(1) }
    }
}
