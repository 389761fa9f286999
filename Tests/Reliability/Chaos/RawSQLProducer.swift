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
            // Each third one is an event of the digests to which the other producers add too.
            let key = number % 3 == 0 ? "d\(number / 3 % 3)" : nil
            player.log.append(
                .invoked(
                    call: number,
                    .enqueue([
                        .init(reference: reference, queue: "a", uniqueKey: key, conflict: key == nil ? nil : .collect)
                    ])))
            do {
                let (job, outcome) = try await database.write { database in
                    try database.execute(
                        sql: """
                            INSERT INTO stint_enqueue (queue, payload, max_attempts, max_crashes, unique_key, on_conflict,
                                                       debounce_ms)
                            VALUES ('a', ?, ?, ?, ?, ?, ?)
                            """,
                        arguments: [
                            reference, 100_000, 100_000, key, key == nil ? nil : "collect", key == nil ? nil : 30,
                        ])
                    let row = try Row.fetchOne(database, sql: "SELECT job_id, outcome FROM stint_enqueue_result")!
                    return (row["job_id"] as Int64, row["outcome"] as String)
                }
                player.log.append(
                    .returned(
                        call: number,
                        .enqueued([
                            .init(
                                job: job, isDuplicate: outcome == "duplicate",
                                joined: outcome == "collected" ? true : nil)
                        ])))
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                player.log.append(.failed(call: number, code: "databaseBusy"))
            }
        }
    }
}
