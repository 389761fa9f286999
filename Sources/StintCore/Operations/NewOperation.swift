/// An operation that is to begin.
public struct NewOperation: Sendable {
    /// The longest texts, in bytes.
    public static let maximumActorBytes = 200
    public static let maximumFilterBytes = JobQuery.maximumBytes * 2

    public var change: JobChange
    public var selection: JobSelection
    /// The selection, for people; by default the text of its query.
    public var filter: String
    /// Who begins it: a name, an address, `cli:user`.
    public var actor: String?
    /// How many jobs met the conditions just before; `nil`: they were not counted.
    public var total: Int?

    public init(
        _ change: JobChange, _ selection: JobSelection, filter: String? = nil, actor: String? = nil, total: Int? = nil
    ) {
        self.change = change
        self.selection = selection
        self.filter = filter ?? selection.query.description
        self.actor = actor
        self.total = total
    }

    /// Checks the values, for a store.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public func check() throws {
        try change.check()
        try Self.check(actor: actor)
        if let limit = selection.limit, limit < 1 {
            throw StintError.invalidInput("the limit of the operation is \(limit); it must be at least 1")
        }
        // It is kept as its text.
        _ = try JobQuery(selection.query.description)
        guard filter.utf8.count <= Self.maximumFilterBytes else {
            throw StintError.invalidInput(
                "the filter's text has \(filter.utf8.count) bytes; at most \(Self.maximumFilterBytes) are allowed")
        }
    }

    public static func check(actor: String?) throws {
        guard let actor else { return }
        guard (1...maximumActorBytes).contains(actor.utf8.count) else {
            throw StintError.invalidInput(
                "the name of who makes the change has \(actor.utf8.count) bytes; it must have 1 to \(maximumActorBytes)"
            )
        }
    }

    /// The filter of a change of single jobs.
    public static func filter(of ids: [JobID]) -> String {
        let most = 100
        let more = ids.count > most ? " and \(ids.count - most) more" : ""
        return "id:" + ids.prefix(most).map(\.description).joined(separator: ",") + more
    }
}

extension StintError {
    /// No operation has this id.
    public static func noOperation(_ id: OperationID) -> StintError {
        StintError(
            .notFound,
            "there is no operation \(id): it never began, or its record is older than 90 days or than the last "
                + "\(BulkOperation.maximumKept)")
    }

    /// There are ``BulkOperation/maximumOpen`` already.
    public static let tooManyOperations: StintError = .invalidInput(
        "\(BulkOperation.maximumOpen) operations are running or paused, the most that a store takes: let some end, or "
            + "cancel them")

    /// The operation has no jobs that could be brought back.
    public static func notRestorable(_ operation: BulkOperation) -> StintError {
        let reason =
            switch (operation.action, operation.state) {
            case (.change(.delete), .running), (.change(.delete), .paused):
                "it has not ended: cancel it first, then what it has deleted can be brought back"
            case (.change(.delete), _):
                "its jobs were brought back, or are being brought back, or more than ten minutes have passed"
            default: "it has deleted nothing"
            }
        return .invalidInput("operation \(operation.id) cannot be undone: \(reason)")
    }

    /// A job's unique key is another job's in the queue to which it should go.
    public static func keyTaken(_ job: JobID, in queue: QueueName) -> StintError {
        .invalidInput(
            "job \(job) has a unique key that another job has in queue \(quoted(queue.description)): delete or cancel one "
                + "of them first")
    }
}
