import StintCore

extension JobTransaction {
    /// All workers, with what the database knows of them.
    func workerRecords() async throws -> [WorkerRecord] {
        try await run(
            """
            SELECT id, registered_at, concurrency, is_stopping, name, process, process_name, supervisor, supervisor_name,
                   supervisor_sign, queues, command
            FROM stint.workers ORDER BY id
            """
        ).map { row in
            let supervisor = try row.optionalText(7).map { id in
                WorkerProcess(name: try row.optionalText(8) ?? "", id: id)
            }
            let registration = WorkerRegistration(
                name: try row.text(4), process: WorkerProcess(name: try row.text(6), id: try row.text(5)),
                supervisor: supervisor, supervisorSign: try row.optionalText(9),
                // Splits by code points: a space and an accent that begins the next name are one character.
                queues: try row.text(10).unicodeScalars.split(separator: " ").map { QueueName(stored: String($0)) },
                concurrency: Int(clamping: try row.int(2)))
            return WorkerRecord(
                id: WorkerID(rawValue: try row.int(0)), registration: registration, registeredAt: try row.int(1),
                started: nil, hasOrderToStop: try row.bool(3),
                order: try row.optionalText(11).flatMap(WorkerOrder.init))
        }
    }
}
