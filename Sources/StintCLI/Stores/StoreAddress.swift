import StintCore

/// Where a store is: `sqlite:path`, or the path alone.
struct StoreAddress: Equatable {
    /// The kinds of stores that this program can open. The only list of them.
    enum Kind: String, CaseIterable {
        case sqlite
    }

    let kind: Kind
    /// What follows the kind; for SQLite the file.
    let place: String

    /// A kind is lower-case letters and digits before the first colon. A file with such a name is written as `./a:b` or
    /// `sqlite:a:b`.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = Self.kindName(parts[0]) else {
            (kind, place) = (.sqlite, text)
            return
        }
        guard let kind = Kind(rawValue: name) else {
            let known = Kind.allCases.map { "\($0.rawValue):path" }.joined(separator: ", ")
            throw StintError.invalidInput(
                "the store \(quoted(name)) is not built into this program: expected a path or \(known) (for a file with "
                    + "this name write \(quoted("./" + text)))")
        }
        (self.kind, place) = (kind, String(parts[1]))
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
