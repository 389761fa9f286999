extension Headers {
    /// The headers as stores keep them: one line `name: value` for each, by name; `nil` if there are none.
    /// Neither names nor values can have a line break, so this needs no escapes, and it can be read quickly at every
    /// claim.
    package var storedText: String? {
        isEmpty ? nil : map { "\($0.key): \($0.value)" }.joined(separator: "\n")
    }

    /// Reads as many of the headers as possible, for people; a worker needs them all.
    package init(readable storedText: String?) {
        self.init()
        for line in (storedText ?? "").unicodeScalars.split(separator: "\n") {
            do {
                for (name, value) in try Headers(storedText: String(line)) { try set(name, to: value) }
            } catch {
                continue
            }
        }
    }

    /// - Throws: ``StintError`` if the text does not have that form, because another program wrote it.
    package init(storedText: String?) throws {
        self.init()
        guard let storedText else { return }
        // Splits by code points and not by characters: a value may begin with an accent, which would be one character
        // with the space.
        for line in storedText.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: true) {
            guard let colon = line.firstIndex(of: ":") else {
                throw StintError(
                    .invalidInput, "the stored header \(quoted(String(line))) is not of the form 'name: value'")
            }
            let value = line[line.index(after: colon)...]
            try set(String(line[..<colon]), to: String(value.first == " " ? value.dropFirst() : value))
        }
    }
}
