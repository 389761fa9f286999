/// An error. Its description says what was wrong, what was expected and what to do.
///
/// Compare codes with `==`. Later versions may add codes.
public struct StintError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// A code that another process has named.
        package init(description: String) { self.description = description }

        /// The job was reclaimed (its lease ran out, or its worker died), cancelled, buried or deleted. Nothing was
        /// changed.
        public static let leaseLost = Code(description: "leaseLost")
        /// A name, a size, a number or a header that is not allowed. Nothing was changed.
        public static let invalidInput = Code(description: "invalidInput")
        /// No job has this id.
        public static let notFound = Code(description: "notFound")
        /// The file cannot be used as a Stint database: it is missing, foreign, corrupt, read-only, newer, or was
        /// replaced.
        public static let databaseUnusable = Code(description: "databaseUnusable")
        /// Another process held the write lock for longer than the busy timeout. Nothing was changed; try again.
        public static let databaseBusy = Code(description: "databaseBusy")
        /// The disk or the file's page limit is full, or an I/O error happened. The transaction was rolled back.
        public static let storageFailed = Code(description: "storageFailed")
        /// It is not known whether the change was made. The disk failed while the change became durable, so a power cut
        /// may undo it. Or the database was replaced between the commit and the answer, and the copy that replaced it
        /// may contain the change. Check before you try again.
        public static let outcomeUnknown = Code(description: "outcomeUnknown")
        /// The queue was closed by ``JobQueue/close()``. Nothing was changed.
        public static let closed = Code(description: "closed")
        /// The jobs were moved to another database, whose address is in the message: open that one. Nothing was changed.
        public static let databaseMoved = Code(description: "databaseMoved")
        /// The system has refused a process, a thread or a pipe; the message has the reason.
        public static let processFailed = Code(description: "processFailed")
    }

    /// What a program may add for its user, in the words of its own options.
    package enum Advice: Sendable {
        /// The database does not exist.
        case createDatabase
        /// The database belongs to another program.
        case nameAnotherDatabase
    }

    public let code: Code
    public let description: String
    package var advice: Advice?

    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    package init(_ code: Code, _ description: String, advice: Advice?) {
        self.init(code, description)
        self.advice = advice
    }

    // MARK: - For stores

    /// - Parameter description: What was wrong, what was expected and what to do.
    public static func invalidInput(_ description: String) -> StintError { StintError(.invalidInput, description) }

    /// A store was closed before this call.
    ///
    /// - Parameter name: What people call the store, such as "the database 'a.db'".
    public static func closed(_ name: String) -> StintError {
        StintError(.closed, "\(name) was closed by this program: open it again for further calls")
    }

    public static func leaseLost(_ lease: Lease) -> StintError {
        StintError(
            .leaseLost,
            "the lease on job \(lease.job) (token \(lease.token)) is lost: the job was reclaimed, cancelled, buried or deleted; "
                + "nothing was changed; stop working on it"
        )
    }

    public static func noQueue(_ name: QueueName) -> StintError {
        StintError(
            .notFound,
            "there is no queue \(quoted(name.description)): nothing was ever put into it, and no limit was set")
    }

    public static func notFound(_ id: JobID) -> StintError {
        StintError(.notFound, "no job has the id \(id): it was deleted, is done and not retained, or never existed")
    }
}
