import Foundation
import Logging
import StintCore
import StintSQLite

/// All that the command line knows of the SQLite store.
struct SQLiteFile {
    let path: String

    func open(_ opening: StoreOpening) async throws -> SQLiteStore {
        var options = Self.options
        options.onlyReads = opening.onlyReads
        options.isMover = opening.isMover
        if opening.isRelaxed { options.durability = .normal }
        if let permissions = opening.createsWith {
            options.createsFile = true
            options.permissions = permissions
        }
        return try await JobQueue(.sqlite(path, options: options)).store
    }

    func restore(_ backup: String, permissions: UInt32) async throws -> SQLiteStore.Restoration {
        var options = Self.options
        options.permissions = permissions
        return try await SQLiteStore.restore(backup, to: path, options: options)
    }

    private static var options: SQLiteStore.Options {
        var options = SQLiteStore.Options(
            createsFile: false,
            // A mistyped --db must not put tables into another program's database.
            installsIntoOthers: false,
            logger: Logger(label: "stint"))
        options.allowsFUSE = getenv("STINT_ALLOW_FUSE").map { String(cString: $0) == "1" } ?? false
        return options
    }
}

extension SQLiteStore: ExaminableStore {
    func quickFindings() async throws -> [Finding] { try await examineSurroundings() }

    func thoroughFindings() async throws -> [Finding] { try await examine() }
}

extension SQLiteStore: MeasurableStore {}

extension SQLiteStore: CopyableStore {
    func copy(to file: String) async throws { try await backup(to: file) }
}
