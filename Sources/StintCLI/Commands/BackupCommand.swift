import ArgumentParser
import StintCore

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database while it is in use.",
        discussion: """
            Writes a copy of the database as of one moment. An existing file is not overwritten. `stint restore` \
            replaces a database with the copy; see docs/backup.md.

            Example:
              stint backup stint-backup.db
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The new file.")
    var file: String

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        let store: any CopyableStore = try queue.capability(for: "backup")
        try await store.copy(to: file)
        try Output.print("copied to \(printable(file))")
    }
}
