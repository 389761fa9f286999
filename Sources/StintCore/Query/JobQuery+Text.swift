extension JobQuery {
    /// The query as people write it, in one line. Reading it gives the same query.
    public var description: String { terms.map(\.description).joined(separator: " ") }

    /// Reads a query.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` that names the term and what was expected.
    public init(_ text: String) throws {
        guard text.utf8.count <= Self.maximumBytes else {
            throw StintError.invalidInput(
                "the query has \(text.utf8.count) bytes; at most \(Self.maximumBytes) are allowed")
        }
        var reader = JobQueryReader(text)
        var terms: [Term] = []
        while let word = try reader.next() {
            guard terms.count < Self.maximumTerms else {
                throw StintError.invalidInput("the query has more than \(Self.maximumTerms) terms: leave some out")
            }
            terms.append(Term(try word.condition, isNegated: word.isNegated))
        }
        self.init(terms: terms)
    }
}

extension JobQuery.Term: CustomStringConvertible {
    public var description: String { (isNegated ? "-" : "") + condition.description }
}

extension JobQuery.Condition: CustomStringConvertible {
    /// As it is written in a query.
    public var description: String {
        switch self {
        case .text(let text): Self.written(text.description, isFree: true)
        case .queue, .state, .group, .header, .error, .errorGroup, .age, .attempts, .id: "\(field):\(value)"
        }
    }

    private var value: String {
        switch self {
        case .queue(let name): Self.written(name.description)
        case .state(let state): state.rawValue
        case .group(let text), .error(let text), .text(let text): Self.written(text.description)
        case .header(_, let pattern): Self.written(pattern.text.description, isPrefix: pattern.isPrefix)
        case .errorGroup(let id): id.description
        case .age(let isOver, let age): (isOver ? ">" : "<") + age.unitsText
        case .attempts(.equal, let number): "\(number)"
        case .attempts(let comparison, let number): comparison.rawValue + "\(number)"
        case .id(let id): "\(id)"
        }
    }

    /// - Parameter isFree: Whether no name of a term stands before it.
    private static func written(_ text: String, isPrefix: Bool = false, isFree: Bool = false) -> String {
        let scalars = text.unicodeScalars
        let needsQuotes =
            scalars.isEmpty && !isPrefix || scalars.contains { $0.properties.isWhitespace || $0 == "\"" }
            || scalars.last == "*" || isFree && (scalars.first == "-" || scalars.contains(":"))
        guard needsQuotes else { return text + (isPrefix ? "*" : "") }
        var quoted = String.UnicodeScalarView()
        for scalar in scalars {
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.append(scalar)
        }
        return "\"\(String(quoted))\"" + (isPrefix ? "*" : "")
    }
}

/// Splits a query into its words.
private struct JobQueryReader {
    struct Word {
        var isNegated = false
        /// In small letters; `nil`: free text.
        var field: String?
        var value = ""
        /// Whether a `*` outside of quotes ends it, which is not in the value.
        var isPrefix = false
        /// As it was written.
        var source = ""
    }

    private var rest: Substring.UnicodeScalarView

    init(_ text: String) {
        rest = text[...].unicodeScalars
    }

    private static func separates(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

    mutating func next() throws -> Word? {
        rest = rest.drop(while: Self.separates)
        guard let first = rest.first else { return nil }
        let start = rest
        var word = Word()
        if first == "-", let second = rest.dropFirst().first, !Self.separates(second) {
            word.isNegated = true
            rest.removeFirst()
        }
        word.field = takeField()
        try takeValue(of: &word)
        word.source = String(String.UnicodeScalarView(start[..<rest.startIndex]))
        return word
    }

    /// `name:`, of ASCII letters, digits, `-` and `.`, a letter first.
    private mutating func takeField() -> String? {
        func isLetter(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) }
        guard let first = rest.first, isLetter(first) else { return nil }
        let name = rest.prefix { isLetter($0) || ("0"..."9").contains($0) || $0 == "-" || $0 == "." }
        guard rest.dropFirst(name.count).first == ":" else { return nil }
        rest = rest.dropFirst(name.count + 1)
        return String(String.UnicodeScalarView(name)).lowercased()
    }

    private mutating func takeValue(of word: inout Word) throws {
        var value = String.UnicodeScalarView()
        var endsWithStar = false
        while let scalar = rest.first, !Self.separates(scalar) {
            rest.removeFirst()
            endsWithStar = scalar == "*"
            if scalar == "\"" {
                try takeQuoted(into: &value)
            } else {
                try Self.append(scalar, to: &value)
            }
        }
        word.isPrefix = endsWithStar
        if endsWithStar && word.field != nil { value.removeLast() }
        word.value = String(value)
    }

    /// After the first quote.
    private mutating func takeQuoted(into value: inout String.UnicodeScalarView) throws {
        let start = rest
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return
            case "\\" where rest.first == "\"" || rest.first == "\\": value.append(rest.removeFirst())
            default: try Self.append(scalar, to: &value)
            }
        }
        throw StintError.invalidInput(
            "the quoted text \(quoted(String(String.UnicodeScalarView(start)))) has no end: add a \" after it, or write \\\" for a quote in it"
        )
    }

    private static func append(_ scalar: Unicode.Scalar, to value: inout String.UnicodeScalarView) throws {
        guard !scalar.isControl else {
            throw StintError.invalidInput(
                "the query has the control character \(scalar.escaped(asASCII: true)): leave it out, no value can have one"
            )
        }
        value.append(scalar)
    }
}

extension JobQueryReader.Word {
    /// - Throws: ``StintError`` with the code `invalidInput`.
    var condition: JobQuery.Condition {
        get throws {
            guard let field else {
                guard !value.isEmpty else { throw wrong("is empty: write the text to look for") }
                return .text(QueryText(value))
            }
            guard !value.isEmpty || isPrefix else { throw wrong("has no value: \(JobQuery.expected(for: field))") }
            switch field {
            case "queue": return .queue(try literal { try QueueName($0) })
            case "state":
                // The dashboard's word for a leased job.
                let word = try whole.lowercased()
                guard let state = word == "running" ? .leased : JobState(rawValue: word) else { throw unfit(field) }
                return .state(state)
            case "group":
                return .group(
                    try literal {
                        try NewJob.check(group: $0)
                        return QueryText($0)
                    })
            case "name": return .header(name: Headers.jobName, QueryPattern(value, isPrefix: isPrefix))
            case "error": return .error(QueryText(text))
            case "error-group":
                guard let id = ErrorGroupID(try whole.lowercased()) else { throw unfit(field) }
                return .errorGroup(id)
            case "age": return try age()
            case "attempts": return try attempts()
            case "id":
                guard let number = try number(in: try whole, upTo: .max), number > 0 else { throw unfit(field) }
                return .id(JobID(rawValue: number))
            case let field where field.hasPrefix("header."): return try header(String(field.dropFirst(7)))
            default:
                throw StintError.invalidInput(
                    "there is no term \(quoted("\(field):")): use \(JobQuery.fields), or put \(quoted(source)) into double quotes to look for this text"
                )
            }
        }
    }

    /// With the `*`, which has no meaning here.
    private var text: String { value + (isPrefix ? "*" : "") }

    private var whole: String {
        get throws {
            guard !isPrefix else { throw unfit(field ?? "") }
            return value
        }
    }

    private func wrong(_ what: String) -> StintError { .invalidInput("the term \(quoted(source)) \(what)") }

    private func unfit(_ field: String) -> StintError { wrong("is not understood: \(JobQuery.expected(for: field))") }

    private func literal<Value>(_ make: (String) throws -> Value) throws -> Value {
        do {
            return try make(text)
        } catch let error as StintError {
            throw wrong("is not understood: \(error)")
        }
    }

    private func header(_ name: String) throws -> JobQuery.Condition {
        var headers = Headers()
        do {
            try headers.set(name, to: "")
        } catch {
            throw wrong("is not understood: \(error)")
        }
        return .header(name: name, QueryPattern(value, isPrefix: isPrefix))
    }

    private func age() throws -> JobQuery.Condition {
        let text = try whole
        guard let first = text.unicodeScalars.first, first == ">" || first == "<" else { throw unfit("age") }
        return .age(isOver: first == ">", try literal { _ in try Duration(units: String(text.dropFirst())) })
    }

    private func attempts() throws -> JobQuery.Condition {
        let text = try whole
        // The longer ones first: `>` begins `>=` too.
        let comparison = QueryComparison.allCases
            .filter { text.utf8.starts(with: $0.rawValue.utf8) }.max { $0.rawValue.utf8.count < $1.rawValue.utf8.count }
        let digits = text.dropFirst(comparison?.rawValue.count ?? 0)
        guard let number = try number(in: String(digits), upTo: Int64(Int32.max)) else { throw unfit("attempts") }
        return .attempts(comparison ?? .equal, Int(number))
    }

    private func number(in text: String, upTo limit: Int64) throws -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = Int64(text), number <= limit else { return nil }
        return number
    }
}
