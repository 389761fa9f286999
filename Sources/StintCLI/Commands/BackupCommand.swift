import ArgumentParser
import StintCore

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database while it is in use.",
        discussion: """
            The copy is a database of its own, as of one moment. An existing file is not overwritten. `stint restore` puts it
            in the place of a database; see docs/backup.md.

            Example:
              stint backup stint-backup.db
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The new file.")
    var file: String

    func run() async throws {
        try await database.open(onlyReads: true).store.backup(to: file)
        try Output.print("copied to \(printable(file))")
    }
}
