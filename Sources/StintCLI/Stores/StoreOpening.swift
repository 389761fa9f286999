import StintCore

/// How a command opens a store.
struct StoreOpening {
    /// The permissions of a store that is created if it does not exist; `nil`: it must exist.
    var createsWith: UInt32?
    /// Whether the command works on a store that it may not write to.
    var onlyReads = false
    /// Whether a power cut may undo the last changes.
    var isRelaxed = false
}

extension StoreAddress {
    func open(_ opening: StoreOpening) async throws -> JobQueue<AnyJobStore> {
        switch kind {
        case .sqlite:
            let store = try await SQLiteFile(path: place).open(opening)
            return JobQueue(store: AnyJobStore(store, address: store.path))
        #if PostgreSQL
            case .postgres:
                let store = try await PostgresDatabase(url: place).open(opening)
                return JobQueue(store: AnyJobStore(store, address: place))
        #endif
        }
    }
}

// MARK: - What some stores can do

/// A store that is examined by `stint doctor`.
protocol ExaminableStore: JobStore {
    /// What is around the tables, in a moment.
    func quickFindings() async throws -> [Finding]
    /// What reading all of the store shows. It may take minutes.
    func thoroughFindings() async throws -> [Finding]
}

extension ExaminableStore {
    func everyFinding() async throws -> [Finding] { try await thoroughFindings() + quickFindings() }
}

/// A store that knows what it takes of its disk.
protocol MeasurableStore: JobStore {
    func storageSize() throws -> StorageSize
}

/// A store that `stint backup` can copy to a file.
protocol CopyableStore: JobStore {
    func copy(to file: String) async throws
}

extension JobQueue where Store == AnyJobStore {
    /// The store, if it can do this.
    ///
    /// - Parameter task: What the command is about, such as "backup".
    func capability<Capability>(_ type: Capability.Type = Capability.self, for task: String) throws -> Capability {
        guard let store = store.base as? Capability else {
            throw StintError.invalidInput("this kind of store has no \(task): use the tools of its database")
        }
        return store
    }
}
