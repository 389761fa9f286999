import ArgumentParser
import StintCore
import StintSQLite

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of the database, also while it is in use.",
        discussion: """
            The backup is checked first. What was there before is kept beside it, with its log. Programs that have the old \
            database open notice within seconds and end with 69; start them again. Never copy a backup over a database by \
            hand while a -wal file is beside it. See docs/backup.md.

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
            result.released > 0 ? "; \(result.released) that were running when it was made are ready again" : ""
        try Output.print("restored \(result.jobs) jobs to \(printable(target))\(released)")
        if !result.isOldOneRead {
            try Output.print("ids go on a billion behind those of the backup, since no old database could be read")
        }
        if let aside = result.keptAside { try Output.print("what was there before is in \(printable(aside))") }
    }
}
