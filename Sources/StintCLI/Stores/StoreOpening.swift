import StintCore

/// How a command opens a store.
struct StoreOpening {
    /// The permissions of a store that is created if it does not exist; `nil`: it must exist.
    var createsWith: UInt32?
    /// Whether the command works on a store that it may not write to.
    var onlyReads = false
    /// Whether a power cut may undo the last changes.
    var isRelaxed = false
    /// Whether it is opened to move jobs to it.
    var isMover = false
}

extension StoreAddress {
    /// Opens the store, or the one to which it was moved.
    func open(_ opening: StoreOpening) async throws -> JobQueue<AnyJobStore> {
        JobQueue(store: try await openHere(opening).following(opening))
    }

    /// Opens the store itself, also if it was moved.
    func openHere(_ opening: StoreOpening) async throws -> AnyJobStore {
        switch kind {
        case .sqlite:
            let store = try await SQLiteFile(path: place).open(opening)
            return AnyJobStore(store, address: store.path)
        #if PostgreSQL
            case .postgres:
                let store = try await PostgresDatabase(url: place).open(opening)
                return AnyJobStore(store, address: place)
        #endif
        }
    }
}

extension AnyJobStore {
    /// The most moves from one database to the next that are followed.
    private static let maximumMoves = 16

    /// The database to which this one was moved, or this one. A move that was committed and not ended is ended, and what was
    /// enqueued here since is forwarded.
    fileprivate func following(_ opening: StoreOpening) async throws -> AnyJobStore {
        var store = self
        for _ in 0..<Self.maximumMoves {
            guard let source = store.base as? any MovableStore, let state = try await source.moveState(.out),
                state.phase == .moved
            else { return store }
            var opening = opening
            opening.createsWith = nil
            var next = try await StoreAddress(state.peer).openHere(opening)
            if let target = next.base as? any MovableStore {
                let former = MovedDatabase(source, state.move)
                if !opening.onlyReads {
                    try await former.open(target)
                    do { try await former.forward(to: target) } catch {
                        Output.printError(
                            "jobs that were enqueued in the database that was moved are not forwarded yet: \(error)")
                    }
                }
                next.formers = store.formers + [(former, target)]
            }
            store = next
        }
        throw StintError(
            .databaseUnusable,
            "the database was moved more than \(Self.maximumMoves) times: give the address to which it was moved last with --db"
        )
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
