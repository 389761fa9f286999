import ArgumentParser
import Foundation
import Logging
import StintCore
import StintSQLite

/// `--db FILE`, else `STINT_DB`, else `./stint.db`.
struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .customLong("db"), help: ArgumentHelp("The database (else STINT_DB, else ./stint.db).", valueName: "file")
    )
    var file: String?

    func path() throws -> String {
        if let file { return file }
        guard let variable = getenv("STINT_DB"), variable.pointee != 0 else { return "stint.db" }
        // Repaired, it would be the name of another file.
        guard let path = String(validatingCString: variable) else {
            throw StintError.invalidInput("STINT_DB is not valid UTF-8; give the file another name, or a link to it")
        }
        return path
    }

    /// What a person types to run another command on the same database, safe for a terminal.
    func command(_ command: String) -> String {
        guard let file else { return "stint \(command)" }
        let isPlain = file.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+:@".contains($0)) }
        let word = isPlain ? file : "'\(file.replacing("'", with: #"'\''"#))'"
        return "stint \(command) --db \(printable(word))"
    }

    /// Opens the database; where there is none, that is an error.
    ///
    /// - Parameter onlyReads: Whether the command works on a database that it may not write to.
    func open(onlyReads: Bool = false) async throws -> JobQueue<SQLiteStore> {
        var options = Self.storeOptions
        options.onlyReads = onlyReads
        return try await JobQueue(.sqlite(path(), options: options))
    }

    /// Opens the database, or makes it.
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

/// For commands that make the database if there is none.
struct CreationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The permissions of a database that this makes: 0660 shares it with a group. (default: 0600)",
            valueName: "octal"), transform: PermissionsArgument.init)
    var mode: PermissionsArgument?

    var permissions: UInt32 { mode?.bits ?? 0o600 }
}

/// `0600`, `0660`: who may read and write.
struct PermissionsArgument {
    let bits: UInt32

    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write them.
    init(_ text: String) throws {
        guard (3...4).contains(text.utf8.count), let bits = UInt32(text, radix: 8), bits & ~0o666 == 0,
            bits & 0o600 == 0o600
        else {
            throw StintError.invalidInput(
                "write permissions as three or four octal digits, such as 0660: 6 for reading and writing, first for the owner"
            )
        }
        self.bits = bits
    }
}

/// `500ms`, `30s`, `5m`, `2h`, `1d`, or several from large to small, `1h30m`: parsed, and as it was written.
struct DurationArgument: CustomStringConvertible {
    let duration: Duration
    let description: String

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
    init(_ text: String) throws {
        var (rest, units, total) = (Array(text.utf8)[...], Self.units[...], Int64(0))
        repeat {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            let letters = rest.dropFirst(digits.count).prefix { !(0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count + letters.count)
            guard let number = Int64(String(decoding: digits, as: UTF8.self)),
                let unit = units.firstIndex(where: { $0.name.utf8.elementsEqual(letters) })
            else {
                throw StintError.invalidInput(
                    "write a duration as a number and ms, s, m, h or d, such as 500ms or 5m, or as several from large to "
                        + "small, such as 1h30m")
            }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
            let (sum, overflows) = total.addingReportingOverflow(product)
            guard !isTooLarge, !overflows, .milliseconds(sum) <= NewJob.maximumDelay else {
                throw StintError.invalidInput("it is longer than 100 years")
            }
            (units, total) = (units[(unit + 1)...], sum)
        } while !rest.isEmpty
        duration = .milliseconds(total)
        description = text
    }

    static func seconds(_ count: Int) -> DurationArgument {
        DurationArgument(duration: .seconds(count), description: "\(count)s")
    }

    private init(duration: Duration, description: String) {
        self.duration = duration
        self.description = description
    }
}

/// `64K`, `256M`, `1G`: a power of 1024 each.
struct SizeArgument {
    let bytes: Int64

    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
    init(_ text: String) throws {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        guard let number = Int64(digits), number > 0, let unit = units[text.dropFirst(digits.count)],
            case (let bytes, false) = number.multipliedReportingOverflow(by: unit)
        else { throw StintError.invalidInput("write a size as a number and K, M or G, such as 256M") }
        self.bytes = bytes
    }
}

extension JobID: ExpressibleByArgument {
    public init?(argument: String) {
        guard let number = Int64(argument), number > 0 else { return nil }
        self.init(rawValue: number)
    }
}

extension JobState: ExpressibleByArgument {}
