import StintCore

/// Statements that are sent with one Sync.
struct PipelineRequest: Sendable {
    struct Statement: Sendable {
        let sql: String
        let parameters: EncodedParameters
        /// Whether to prepare it by name.
        let isNamed: Bool

        init(_ sql: String) {
            self.sql = sql
            parameters = EncodedParameters([])
            isNamed = false
        }

        init(_ statement: PostgresStatement) {
            sql = statement.sql
            parameters = EncodedParameters(statement.parameters)
            isNamed = !statement.isRare
        }
    }

    /// What the loss of the connection means.
    enum Kind: Sendable {
        /// A transaction of its own that changes nothing.
        case reading
        /// A transaction of its own. Its Sync commits.
        case writing
        /// A part of a transaction, without its end.
        case part
        /// The end of a transaction, with what belongs to it before.
        case commit
    }

    private(set) var statements: [Statement]
    let kind: Kind
    /// How many at the beginning are not the caller's.
    private(set) var prefixCount = 0

    /// PostgreSQL's protocol allows 1 GiB in a message.
    private static let maxBytes = 512 << 20
    private static let maxParameters = 65_535

    init(_ statements: [PostgresStatement], _ kind: Kind) throws(StintError) {
        self.statements = statements.map { Statement($0) }
        self.kind = kind
        for statement in self.statements {
            guard statement.parameters.types.count <= Self.maxParameters else {
                throw .invalidInput(
                    "a statement has \(statement.parameters.types.count) parameters, and PostgreSQL allows "
                        + "\(Self.maxParameters): use arrays")
            }
            guard statement.parameters.bytes.count <= Self.maxBytes else {
                throw .invalidInput(
                    "a statement has \(statement.parameters.bytes.count) bytes of parameters, and \(Self.maxBytes) are "
                        + "allowed: use several")
            }
        }
    }

    /// A statement of the driver's own, such as COMMIT.
    init(_ sql: String, _ kind: Kind) {
        statements = [Statement(sql)]
        self.kind = kind
    }

    mutating func append(_ sql: String) { statements.append(Statement(sql)) }

    mutating func prepend(_ statement: Statement) {
        statements.insert(statement, at: 0)
        prefixCount += 1
    }
}
