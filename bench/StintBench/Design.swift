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
    /// A process that acknowledges and claims through `JobStore`.
    case stintExchange = "stint-exchange"
    /// A process that enqueues batches.
    case stintProducer = "stint-producer"
    /// A process whose tasks each enqueue one job at a time.
    case stintEnqueues = "stint-enqueues"
    /// A process whose tasks each acknowledge one job at a time.
    case stintAcks = "stint-acks"

    /// The designs for `--designs`; the others are run as pairs for the ceiling.
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
        case .stintExchange: "Stint's store, claim and ack"
        case .stintProducer: "Stint's store, enqueue"
        case .stintEnqueues: "enqueue"
        case .stintAcks: "ack"
        }
    }

    /// The file it works on.
    var schema: BacklogSchema {
        switch self {
        case .stint, .ceiling, .stintLife, .ceilingLife, .stintExchange, .stintProducer, .stintEnqueues, .stintAcks:
            .stint
        case .oneWorker, .selectThenUpdate: .naiveWithState
        case .jobInTransaction: .naive
        }
    }

    /// The value of `PRAGMA journal_mode`; the file keeps it.
    var journalMode: String {
        self == .selectThenUpdate ? "DELETE" : "WAL"
    }
}

/// What a commit survives; the same for all designs of a run.
enum SyncMode: String, Codable, CaseIterable, ExpressibleByArgument {
    /// `synchronous=FULL`: a power cut.
    case full
    /// `synchronous=NORMAL`: a crash of the process.
    case normal
}
