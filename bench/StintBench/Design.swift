import ArgumentParser

/// The designs that are compared.
enum Design: String, Codable, CaseIterable, ExpressibleByArgument {
    /// Stint's `Worker`, as an application uses it.
    case stint
    case oneWorker = "one-worker"
    case jobInTransaction = "job-in-transaction"
    case selectThenUpdate = "select-then-update"
    /// One process of Stint's statements in plain C.
    case ceiling
    /// One process that enqueues, claims and acknowledges through `JobQueue` and `JobStore`.
    case stintLife = "stint-life"
    /// The same in plain C.
    case ceilingLife = "ceiling-life"

    /// What `--designs` can choose from; the others are run as pairs for the ceiling.
    static let compared: [Design] = [.stint] + naive
    static let naive: [Design] = [.oneWorker, .jobInTransaction, .selectThenUpdate]

    var title: String {
        switch self {
        case .stint: "Stint"
        case .oneWorker: "1 one worker only"
        case .jobInTransaction: "2 job inside the transaction"
        case .selectThenUpdate: "3 select, then update"
        case .ceiling, .ceilingLife: "plain C"
        case .stintLife: "Stint, enqueue included"
        }
    }

    /// The file it works on.
    var schema: BacklogSchema {
        switch self {
        case .stint, .ceiling, .stintLife, .ceilingLife: .stint
        case .oneWorker, .selectThenUpdate: .naiveWithState
        case .jobInTransaction: .naive
        }
    }

    /// As `PRAGMA journal_mode` has it; the file keeps it.
    var journalMode: String {
        switch self {
        case .stint, .ceiling, .stintLife, .ceilingLife, .oneWorker, .jobInTransaction: "WAL"
        case .selectThenUpdate: "DELETE"
        }
    }
}

/// What a commit survives; the same for all designs of a run.
enum SyncMode: String, Codable, CaseIterable, ExpressibleByArgument {
    /// `synchronous=FULL`: a power cut.
    case full
    /// `synchronous=NORMAL`: a crash of the process.
    case normal
}
