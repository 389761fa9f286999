import StintCore

/// What a ``SQLiteStore`` holds of the system until it is closed: connections with their threads, descriptors, the
/// thread that watches for commits.
final class OpenFile: Sendable {
    let transactions: Writer
    /// For workers' looks, which are short: it must not be used for a read that may take long.
    let reader: Connection
    let longReaders: ReaderPool
    /// `nil` if the database can only be read.
    let checkpoint: Checkpointer?
    let schema: SchemaWatch
    let fileWatch: FileWatch
    let payloadLoader: PayloadLoader
    let scoreboards: Scoreboards
    let revocations: RevocationFile
    let watch: WALMonitor
    let periodicLooks = PeriodicLooks()

    var writer: Connection { transactions.connection }

    init(
        transactions: Writer, reader: Connection, longReaders: ReaderPool, checkpoint: Checkpointer?,
        schema: SchemaWatch, fileWatch: FileWatch, payloadLoader: PayloadLoader, scoreboards: Scoreboards,
        revocations: RevocationFile, watch: WALMonitor
    ) {
        self.transactions = transactions
        self.reader = reader
        self.longReaders = longReaders
        self.checkpoint = checkpoint
        self.schema = schema
        self.fileWatch = fileWatch
        self.payloadLoader = payloadLoader
        self.scoreboards = scoreboards
        self.revocations = revocations
        self.watch = watch
    }

    deinit { keepOverwrittenOpen() }

    /// The connections to a file that was written over must never be closed: the last one to close would write the old
    /// log into the new file.
    ///
    /// - Returns: Whether that is so.
    @discardableResult
    private func keepOverwrittenOpen() -> Bool {
        guard fileWatch.isOverwritten() else { return false }
        checkpoint?.keepOpen()
        for connection in [writer, reader] { connection.keepOpen() }
        return true
    }

    /// Waits for what is in progress, and closes all connections. Descriptors are closed with the last reference.
    func close() async {
        await revocations.close()
        await watch.close()
        await periodicLooks.close()
        await longReaders.close()
        if keepOverwrittenOpen() { return }
        await checkpoint?.closeConnections()
        for connection in [writer, reader] { await connection.close() }
    }
}
