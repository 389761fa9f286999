extension StoredJob {
    /// The years 1 to 9999: sums of two such times are within range.
    private static let times: ClosedRange<Timestamp> = -62_135_596_800_000...253_402_300_799_999

    /// No store keeps more of a job.
    private static let maximumFailures: Int64 = 50

    /// Checks jobs that are to be added, for a store.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if there are more than ``maximumCount``, if two have the same
    ///   id, or for the first that no store could have.
    public static func check(_ jobs: [StoredJob]) throws {
        guard jobs.count <= maximumCount else {
            throw StintError.invalidInput(
                "\(jobs.count) jobs are to be added at once; at most \(maximumCount) are allowed")
        }
        var ids: Set<JobID> = []
        for job in jobs {
            guard ids.insert(job.id).inserted else {
                throw StintError.invalidInput("job \(job.id) is among these jobs more than once")
            }
            try job.check()
        }
    }

    /// Checks what a store would not check.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    package func check() throws {
        do {
            try checkNumbers()
            try checkTimes()
            try checkBody()
            _ = try NewJob(
                payload, in: QueueName(record.queue.description), contentType: record.contentType, options: options)
        } catch let error as StintError {
            throw StintError.invalidInput("job \(id) cannot be added: \(error)")
        }
    }

    /// The options with which it could have been enqueued.
    private var options: JobOptions {
        JobOptions(
            priority: record.priority, maxAttempts: record.maxAttempts, maxCrashes: record.maxCrashes,
            timeToRun: record.timeToRun, headers: record.headers, uniqueKey: record.uniqueKey, group: record.group)
    }

    private func checkNumbers() throws {
        func check(_ number: Int64, _ name: String, _ range: ClosedRange<Int64>) throws {
            guard range.contains(number) else {
                throw StintError.invalidInput(
                    "\(name) is \(number); it must be between \(range.lowerBound) and \(range.upperBound)")
            }
        }
        try check(id.rawValue, "its id", 1...Self.maximumNumber)
        if record.state == .buried {
            guard let burial else {
                throw StintError.invalidInput("it is buried, and the number of its burial is missing")
            }
            try check(burial, "burial", 0...Self.maximumNumber)
        }
        try check(Int64(record.attempts), "attempts", 0...Int64(Int32.max))
        try check(Int64(record.crashes), "crashes", 0...Int64(Int32.max))
        try check(Int64(failures.count), "the number of its failures", 0...Self.maximumFailures)
        for failure in failures {
            try check(Int64(failure.attempt), "the attempt of a failure", 0...Int64(Int32.max))
        }
    }

    private func checkTimes() throws {
        if stateTime == nil, ![.ready, .leased].contains(record.state) {
            throw StintError.invalidInput("it is \(record.state.rawValue), and the time of that is missing")
        }
        let given = [
            record.enqueuedAtMilliseconds, stateTime, record.expiresAtMilliseconds, readyAt, openedAt, startLimit,
        ]
        for time in given.compactMap(\.self) + failures.map(\.atMilliseconds) where !Self.times.contains(time) {
            throw StintError.invalidInput("one of its times is \(time); it must be in the years 1 to 9999")
        }
    }

    private func checkBody() throws {
        guard case .digest(let events) = body else { return }
        guard (1...NewJob.maximumEvents).contains(events.count) else {
            throw StintError.invalidInput(
                "it is a digest of \(events.count) events; it must have 1 to \(NewJob.maximumEvents)")
        }
        guard body.byteCount <= NewJob.maximumPayloadBytes else {
            throw StintError.invalidInput(
                "its events have \(body.byteCount) bytes; at most \(NewJob.maximumPayloadBytes) are allowed")
        }
    }
}
