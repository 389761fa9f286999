import Foundation
import GRDB
import History
import StintSQLite

/// Another program that enqueues through the view `stint_enqueue`, with its own connection and without the gate.
struct RawSQLProducer {
    private let player: Player

    init(_ player: Player) {
        self.player = player
    }

    func run() async throws {
        var configuration = Configuration()
        configuration.prepareDatabase { try SQLiteStore.prepareConnection($0) }
        let database = try DatabaseQueue(path: player.database, configuration: configuration)
        let stop = StopSignal()
        var number = 0
        while !stop.isSet {
            number += 1
            // It leaves the lock free now and then, or others would starve behind a program that does not know the
            // gate.
            try await Task.sleep(for: .milliseconds(2))
            let isFull = try await database.read { database in
                try Int.fetchOne(database, sql: "SELECT sum(ready + delayed) FROM stint_queues") ?? 0 > 400
            }
            if isFull { continue }
            let reference = "good \(player.log.process).\(number)"
            player.log.append(.invoked(call: number, .enqueue([.init(reference: reference, queue: "a")])))
            do {
                let id = try await database.write { database in
                    try database.execute(
                        sql:
                            "INSERT INTO stint_enqueue (queue, payload, max_attempts, max_crashes) VALUES ('a', ?, ?, ?)",
                        arguments: [reference, 100_000, 100_000])
                    return try Int64.fetchOne(database, sql: "SELECT max(id) FROM stint_jobs")!
                }
                player.log.append(.returned(call: number, .enqueued([.init(job: id, isDuplicate: false)])))
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                player.log.append(.failed(call: number, code: "databaseBusy"))
            }
        }
    }
}
