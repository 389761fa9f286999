import ArgumentParser
import Foundation
import Logging
import StintCore
import StintSQLite

/// `--db FILE`, else `STINT_DB`, else `./stint.db`.
struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .customLong("db"),
        help: ArgumentHelp("The database. (default: STINT_DB, else ./stint.db)", valueName: "file")
    )
    var file: String?

    func path() throws -> String {
        if let file { return file }
        guard let variable = getenv("STINT_DB"), variable.pointee != 0 else { return "stint.db" }
        // A repaired path would name another file.
        guard let path = String(validatingCString: variable) else {
            throw StintError.invalidInput("STINT_DB is not valid UTF-8; give the file another name, or a link to it")
        }
        return path
    }

    /// The command line to run another command on the same database, safe for a terminal.
    func command(_ command: String) -> String {
        guard let file else { return "stint \(command)" }
        let isPlain = file.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+:@".contains($0)) }
        let word = isPlain ? file : "'\(file.replacing("'", with: #"'\''"#))'"
        return "stint \(command) --db \(printable(word))"
    }

    /// Opens the database, which must exist.
    ///
    /// - Parameter onlyReads: Whether the command works on a database that it may not write to.
    func open(onlyReads: Bool = false) async throws -> JobQueue<SQLiteStore> {
        var options = Self.storeOptions
        options.onlyReads = onlyReads
        return try await JobQueue(.sqlite(path(), options: options))
    }

    /// Opens the database, or creates it.
    func open(creating: CreationOptions) async throws -> JobQueue<SQLiteStore> {
        var options = Self.storeOptions
        options.createsFile = true
        options.permissions = creating.permissions
        return try await JobQueue(.sqlite(path(), options: options))
    }

    static var storeOptions: SQLiteStore.Options {
        var options = SQLiteStore.Options(
            createsFile: false,
            // A mistyped --db must not put tables into another program's database.
            installsIntoOthers: false,
            logger: Logger(label: "stint"))
        options.allowsFUSE = getenv("STINT_ALLOW_FUSE").map { String(cString: $0) == "1" } ?? false
        return options
    }
}
