import StintCore

/// Where a store is: `sqlite:path`, or the path alone, or `postgres://host/database`.
struct StoreAddress: Equatable {
    /// The kinds of stores that this program can open. The only list of them.
    enum Kind: String, CaseIterable {
        case sqlite
        #if PostgreSQL
            case postgres
        #endif

        /// How an address of this kind is written.
        fileprivate var form: String {
            switch self {
            case .sqlite: "sqlite:path"
            #if PostgreSQL
                case .postgres: "postgres://host/database"
            #endif
            }
        }
    }

    let kind: Kind
    /// For SQLite the file; for PostgreSQL the whole address.
    let place: String

    /// A kind is lower-case letters and digits before the first colon. A file with such a name is written as `./a:b` or
    /// `sqlite:a:b`.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    init(_ text: String) throws {
        #if PostgreSQL
            if ["postgres://", "postgresql://"].contains(where: text.hasPrefix) {
                (kind, place) = (.postgres, text)
                return
            }
        #endif
        if let end = text.range(of: "://"), text[..<end.lowerBound].allSatisfy({ $0.isLetter || $0.isNumber }) {
            // Not the whole address: it may have a password.
            throw StintError.invalidInput(
                "addresses that begin with \(quoted(String(text[..<end.upperBound]))) are not known to this program: expected a "
                    + "path or \(Kind.allCases.map(\.form).joined(separator: ", "))")
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = Self.kindName(parts[0]) else {
            (kind, place) = (.sqlite, text)
            return
        }
        guard name == Kind.sqlite.rawValue else {
            let known = Kind.allCases.map(\.form).joined(separator: ", ")
            throw StintError.invalidInput(
                "the store \(quoted(name)) is not built into this program: expected a path or \(known) (for a file with "
                    + "this name write \(quoted("./" + text)))")
        }
        (kind, place) = (.sqlite, String(parts[1]))
        guard !place.isEmpty else {
            throw StintError.invalidInput("the address \(quoted(text)) names no file: expected sqlite:path")
        }
    }

    private static func kindName(_ text: Substring) -> String? {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return nil }
        let isName = text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        return isName ? String(text) : nil
    }
}
