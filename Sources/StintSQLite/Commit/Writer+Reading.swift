import StintCore

extension Writer {
    /// For a database that can only be read.
    convenience init(
        reading connection: Connection, _ schema: SchemaWatch, _ refusal: StintError, _ options: SQLiteStore.Options
    ) {
        self.init(
            connection, gate: nil, log: nil, schema: schema, reserve: nil, busyTimeout: options.busyTimeout,
            logger: options.logger, executors: options.executors, clock: options.clock, refusal: refusal
        ) { _, _ in false }
    }
}
