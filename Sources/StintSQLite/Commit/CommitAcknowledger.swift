import StintCore
import Synchronization

/// Answers callers when their answers are ready and, if they need that, their transaction is on disk, in whichever order that
/// happens.
final class CommitAcknowledger: Sendable {
    /// From this number of jobs on, reading payloads takes about as long as waking a thread that syncs meanwhile.
    private static let worthThread = 16

    /// `nil` if a commit need not survive a power cut.
    private let log: WALSync?
    private let file: FileWatch
    private let thread: BlockingExecutor
    private let state = Mutex(State())

    private struct State {
        var waiting: [Batch] = []
        var isSyncing = false
    }

    init(_ log: WALSync?, _ file: FileWatch, _ executors: BlockingExecutor.Maker) {
        self.log = log
        self.file = file
        thread = executors("stint.write.sync", .unspecified)
    }

    /// Answers those that need no sync without one, whatever others are in their transaction.
    ///
    /// - Parameters:
    ///   - writes: The requests of one transaction that was committed.
    ///   - othersWait: Whether other callers wait for this thread.
    ///   - prepare: Makes the answers ready.
    func answer(_ writes: [any WriteRequest], othersWait: Bool, prepare: () -> Void) {
        let unsynced = Batch(writes: writes.filter { !$0.needsSync })
        if !unsynced.isEmpty {
            unsynced.synced(Result { try unsynced.hasChanges ? checkFileAfterCommit() : file.check() })
        }
        let synced = Batch(writes: writes.filter(\.needsSync))
        func prepareAll() {
            prepare()
            unsynced.prepared()
            synced.prepared()
        }
        if synced.isEmpty {
            prepareAll()
        } else if let log, othersWait || writes.reduce(0, { $0 + $1.weight }) >= Self.worthThread {
            sync(synced, log)
            prepareAll()
        } else if let log {
            prepareAll()
            synced.synced(Result { try sync(log) })
        } else {
            synced.synced(Result { try checkFileAfterCommit() })
            prepareAll()
        }
    }

    private func sync(_ batch: Batch, _ log: WALSync) {
        let starts = state.withLock { state in
            state.waiting.append(batch)
            defer { state.isSyncing = true }
            return !state.isSyncing
        }
        if starts { thread.async { self.syncInTurn(log) } }
    }

    /// Makes the commits durable, and checks that they are in the file that all other processes read.
    private func sync(_ log: WALSync) throws {
        try log.sync()
        try checkFileAfterCommit()
    }

    /// What was committed is in the file that was taken away. It is not known whether a copy of it, or the file itself, comes back,
    /// so "nothing was changed" would be wrong.
    private func checkFileAfterCommit() throws {
        do {
            try file.check()
        } catch let error as StintError {
            throw StintError(
                .outcomeUnknown,
                "\(error.description); this last change was written to the file that is gone, and is there again only if that "
                    + "file, or a copy that was made after it, is put back")
        }
    }

    /// Makes one sync for all transactions that were committed during the last one.
    private func syncInTurn(_ log: WALSync) {
        while true {
            let batches = state.withLock { state in
                defer { state.waiting = [] }
                state.isSyncing = !state.waiting.isEmpty
                return state.waiting
            }
            if batches.isEmpty { return }
            let outcome = Result { try sync(log) }
            for batch in batches { batch.synced(outcome) }
        }
    }
}

private final class Batch: Sendable {
    private let writes: [any WriteRequest]
    private let state = Mutex((isPrepared: false, outcome: Result<Void, any Error>?.none))

    init(writes: [any WriteRequest]) {
        self.writes = writes
    }

    var isEmpty: Bool { writes.isEmpty }
    var hasChanges: Bool { writes.contains(where: \.hasChanges) }

    func prepared() { change { $0.isPrepared = true } }

    func synced(_ outcome: Result<Void, any Error>) { change { $0.outcome = outcome } }

    private func change(_ body: (inout (isPrepared: Bool, outcome: Result<Void, any Error>?)) -> Void) {
        let outcome = state.withLock { state in
            body(&state)
            return state.isPrepared ? state.outcome : nil
        }
        switch outcome {
        case nil: return
        case .success?: for write in writes { write.answer() }
        case .failure(let error)?: for write in writes { write.refuse(error) }
        }
    }
}
