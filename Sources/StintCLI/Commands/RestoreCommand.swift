import ArgumentParser
import StintCore
import StintSQLite

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Replace the database with a backup, even while it is in use.",
        discussion: """
            The backup is checked first. The previous database is kept beside the restored one, with its log. \
            Programs that have the old database open notice that within seconds and exit with 69; start them again. \
            Never copy a backup over a database manually while a -wal file is beside it. See docs/backup.md.

            Example:
              stint restore stint-backup.db
              stint restore stint-backup.db --to /var/lib/app/stint.db
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Argument(help: "The backup; it is only read.")
    var backup: String
    @Option(help: ArgumentHelp("The database to replace. (default: as --db)", valueName: "file"))
    var to: String?

    func validate() throws {
        guard to == nil || database.file == nil else {
            throw wrongUsage("--to and --db mean the same here; give one of them")
        }
    }

    func run() async throws {
        var options = DatabaseOptions.storeOptions
        options.permissions = creation.permissions
        let target = try to ?? database.path()
        let result = try await SQLiteStore.restore(backup, to: target, options: options)
        let released =
            result.released > 0
            ? "; \(result.released) that were running at the time of the backup are ready again" : ""
        try Output.print("restored \(result.jobs) jobs to \(printable(target))\(released)")
        if !result.isOldOneRead {
            try Output.print(
                "new ids are a billion above those of the backup, because no previous database could be read")
        }
        if let aside = result.keptAside { try Output.print("the previous database is in \(printable(aside))") }
    }
}
