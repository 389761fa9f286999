extension JobQuery {
    /// What people need to know of one kind of term.
    public struct Help: Sendable, Hashable {
        /// As it begins: `queue:`, `header.NAME:`; empty for free text.
        public let field: String
        /// One sentence.
        public let explanation: String
        /// What the value is, after "write": "a name, such as queue:mail".
        public let value: String
        /// A whole term.
        public let example: String
        /// All values, if there are few.
        public let values: [String]
    }

    /// The kinds of terms, in the order in which ``description`` writes them.
    public static let help: [Help] = [
        Help(
            field: "queue:", explanation: "The job is in this queue; repeated: in one of them.",
            value: "the queue's name, such as queue:mail", example: "queue:mail", values: []),
        Help(
            field: "state:", explanation: "The job is in this state; repeated: in one of them.",
            value: "one of \(JobState.allCases.map(\.rawValue).joined(separator: ", "))", example: "state:buried",
            values: JobState.allCases.map(\.rawValue)),
        Help(
            field: "name:", explanation: "The job has this name (its header job-name), or one that begins so.",
            value: "a name, or the beginning of one and *, such as name:newsletter.*", example: "name:newsletter.*",
            values: []),
        Help(
            field: "group:", explanation: "The job is of this group; repeated: of one of them.",
            value: "the group's name, such as group:acme", example: "group:acme", values: []),
        Help(
            field: "header.NAME:", explanation: "The job has the header NAME with this value, or one that begins so.",
            value: "a value, or the beginning of one and *, such as header.tenant:x", example: "header.tenant:x",
            values: []),
        Help(
            field: "error:",
            explanation:
                "The latest error, or the reason of the burial, contains this text; ASCII letters of either case.",
            value: "the text, in double quotes if it has blanks, such as error:\"timed out\"",
            example: "error:\"timed out\"", values: []),
        Help(
            field: "error-group:", explanation: "The latest error is of this group of like errors.",
            value: "the group's 16 hexadecimal digits, as the list of errors has them",
            example: "error-group:00c5a1d2e3f40718", values: []),
        Help(
            field: "age:", explanation: "The job was enqueued longer ago (>) or more recently (<) than this.",
            value: "> or < and a duration of ms, s, m, h or d, such as age:>1h or age:<30s", example: "age:>1h",
            values: []),
        Help(
            field: "attempts:", explanation: "The job has had so many attempts.",
            value: "a number, after >, <, >=, <= or = if it is not exact, such as attempts:>3", example: "attempts:>3",
            values: []),
        Help(
            field: "id:", explanation: "The job has this id; repeated: one of them.",
            value: "a number from 1, such as id:42", example: "id:42", values: []),
        Help(
            field: "",
            explanation:
                "Any other text: the payload or the latest error contains it; ASCII letters of either case.",
            value: "the text, in double quotes if it has blanks or a colon", example: "\"free text\"", values: []),
    ]

    /// The names of the terms, for messages.
    static let fields = help.map(\.field).filter { !$0.isEmpty }.joined(separator: " ")

    static func expected(for field: String) -> String {
        let name = field.hasPrefix("header.") ? "header.NAME:" : "\(field):"
        return help.first { $0.field == name }.map { "write \($0.value)" } ?? "use \(fields)"
    }

    /// Whole terms, or beginnings of them, that may continue the last word of a text: names of terms, and values if
    /// they are known.
    ///
    /// - Parameters:
    ///   - text: A query that is being written.
    ///   - queues: The queues that exist.
    public static func suggestions(for text: String, queues: [QueueName] = []) -> [String] {
        let scalars = text.unicodeScalars
        // Within quotes anything can follow.
        guard !scalars.reduce(false, { isQuoted, scalar in isQuoted != (scalar == "\"") }) else { return [] }
        let start = scalars.lastIndex { $0.properties.isWhitespace }.map { scalars.index(after: $0) }
        var word = String(String.UnicodeScalarView(scalars[(start ?? scalars.startIndex)...]))
        let sign = word.utf8.first == UInt8(ascii: "-") ? "-" : ""
        word = String(word.dropFirst(sign.count)).lowercased()
        guard word.contains(":") else {
            return help.map(\.field).filter { !$0.isEmpty && $0.lowercased().hasPrefix(word) }
                .map { sign + ($0 == "header.NAME:" ? "header." : $0) }
        }
        let conditions =
            queues.prefix(1_000).map { Condition.queue($0) } + JobState.allCases.map { Condition.state($0) }
            + [.age(isOver: true, .seconds(3_600)), .age(isOver: false, .seconds(3_600)), .attempts(.greater, 3)]
        return conditions.map(\.description).filter { $0.lowercased().hasPrefix(word) && $0.lowercased() != word }
            .map { sign + $0 }
    }
}
