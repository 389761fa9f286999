/// A statement with its parameters, `$1` and so on.
///
/// Its text is prepared once a connection, so it should be one of few: values are parameters. Say the type of a
/// parameter that may be NULL where the server cannot see it (`$3::bigint IS NULL`).
package struct PostgresStatement: Sendable {
    package let sql: String
    package let parameters: [PostgresValue]
    /// Whether the text may be one of many, such as a search that is put together. Then it is not prepared by name.
    package let isRare: Bool

    package init(_ sql: String, _ parameters: [PostgresValue] = [], isRare: Bool = false) {
        self.sql = sql
        self.parameters = parameters
        self.isRare = isRare
    }
}
