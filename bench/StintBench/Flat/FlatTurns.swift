import Stint
import StintCore

/// The files take turns.
struct FlatTurns {
    let folder: WorkFolder
    let fleet: Fleet
    let small: Int
    let batch: Int

    /// Before the start: the caches of the process and its statements.
    private let warmUp = 8
    /// The batches of a turn. The small file has enough left at its end for every claim.
    private var batches: Int { small / batch - warmUp - 4 }

    func measure(
        _ durability: SyncMode, rounds: Int, titles: (FlatKind) -> String
    ) async throws -> [FlatSeries] {
        var turns: [FlatKind: [FlatTurn]] = [:]
        for _ in 0..<rounds {
            for kind in FlatKind.allCases {
                turns[kind, default: []].append(try await turn(kind, durability))
            }
        }
        let base = turns[.small] ?? []
        return FlatKind.allCases.map {
            FlatSeries($0, titles($0), durability, turns: turns[$0] ?? [], base: base)
        }
    }

    private func turn(_ kind: FlatKind, _ durability: SyncMode) async throws -> FlatTurn {
        let path = folder.path(kind.rawValue)
        let assignment = Assignment(
            design: .stintExchange, database: path, durability: durability, batch: batch, seconds: 60,
            jobLimit: batches * batch, warmUp: warmUp, keepsIDs: false)
        let report = try await fleet.run([assignment])[0]
        guard report.done == batches * batch else {
            throw BenchError("a turn in the file '\(kind.rawValue)' did \(report.done) jobs of \(batches * batch)")
        }
        try await Self.refill(path, (batches + warmUp - 1) * batch)
        return FlatTurn(
            microsecondsPerJob: Double(report.finished) / 1_000 / Double(report.done),
            cpuMicrosecondsPerJob: Double(report.cpuMicroseconds) / Double(report.done))
    }

    /// Adds as many as the turn took. In a function of its own: the store closes its file when it is released.
    private static func refill(_ path: String, _ jobs: Int) async throws {
        try await JobQueue(.sqlite(path, durability: .normal)).refill(jobs)
    }

    /// - Throws: ``BenchError`` if a file is not as it should be after all turns.
    func verify() throws {
        for kind in FlatKind.allCases {
            let connection = try SQLiteConnection(folder.path(kind.rawValue), durability: .normal, busyTimeout: 5_000)
            let unsettled = try connection.integer(BacklogSchema.stint.unsettled)
            let kept = try connection.integer("SELECT sum(ready) FROM stint_queues")
            let counted = try connection.integer("SELECT count(*) FROM stint_ready")
            guard unsettled == 0, kept == counted else {
                throw BenchError(
                    "the file '\(kind.rawValue)' has \(unsettled) jobs half-way, and \(counted) ready ones where its "
                        + "own count says \(kept)")
            }
        }
    }
}
