import ArgumentParser
import StintCore

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
    @Option(help: ArgumentHelp("The database to replace. (default: as --db)", valueName: "address"))
    var to: String?

    func validate() throws {
        guard to == nil || database.given == nil else {
            throw wrongUsage("--to and --db mean the same here; give one of them")
        }
    }

    func run() async throws {
        let target = try to.map(StoreAddress.init) ?? database.address()
        switch target.kind {
        case .sqlite: try await restore(to: SQLiteFile(path: target.place))
        #if PostgreSQL
            case .postgres:
                throw StintError.invalidInput(
                    "a backup is a file of SQLite: restore a PostgreSQL database with its own tools")
        #endif
        }
    }

    private func restore(to file: SQLiteFile) async throws {
        let result = try await file.restore(backup, permissions: creation.permissions)
        let released =
            result.released > 0
            ? "; \(result.released) that were running at the time of the backup are ready again" : ""
        try Output.print("restored \(result.jobs) jobs to \(printable(file.path))\(released)")
        if !result.isOldOneRead {
            try Output.print(
                "new ids are a billion above those of the backup, because no previous database could be read")
        }
        if let aside = result.keptAside { try Output.print("the previous database is in \(printable(aside))") }
    }
}
