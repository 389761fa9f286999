import ArgumentParser
import Foundation
import StintCore

/// The address of the database: `--db ADDRESS`, else `STINT_DB`, else `./stint.db`.
struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .customLong("db"),
        help: ArgumentHelp(
            "The database: a path, sqlite:path, or postgres://host/database. (default: STINT_DB, else ./stint.db)",
            valueName: "address")
    )
    var given: String?

    private func text() throws -> String {
        if let given { return given }
        guard let variable = getenv("STINT_DB"), variable.pointee != 0 else { return "stint.db" }
        // A repaired path would name another file.
        guard let path = String(validatingCString: variable) else {
            throw StintError.invalidInput("STINT_DB is not valid UTF-8; give the file another name, or a link to it")
        }
        return path
    }

    /// The command line to run another command on the same database, safe for a terminal.
    func command(_ command: String) -> String {
        guard let given else { return "stint \(command)" }
        let isPlain = given.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+:@".contains($0)) }
        let word = isPlain ? given : "'\(given.replacing("'", with: #"'\''"#))'"
        return "stint \(command) --db \(printable(word))"
    }

    func address() throws -> StoreAddress { try StoreAddress(text()) }

    /// Opens the database, which must exist.
    ///
    /// - Parameter onlyReads: Whether the command works on a database that it may not write to.
    func open(onlyReads: Bool = false) async throws -> JobQueue<AnyJobStore> {
        if !onlyReads { try Self.refuseInDryRun() }
        return try await address().open(StoreOpening(onlyReads: onlyReads))
    }

    /// A handler that enqueues or settles jobs with this program must not change anything in a dry run.
    private static func refuseInDryRun() throws {
        guard getenv("STINT_DRY_RUN").map({ String(cString: $0) == "1" }) ?? false else { return }
        throw StintError.invalidInput(
            "nothing is changed in a dry run (STINT_DRY_RUN is 1): a handler should leave out what changes something then"
        )
    }

    /// Opens the database, or creates it.
    func open(creating: CreationOptions) async throws -> JobQueue<AnyJobStore> {
        try Self.refuseInDryRun()
        return try await address().open(StoreOpening(createsWith: creating.permissions))
    }
}
