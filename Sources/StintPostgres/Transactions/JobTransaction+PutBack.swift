import StintCore

extension JobTransaction {
    /// Puts jobs that were taken out of their states into them again, at the places that they have now. One that was
    /// leased or ready is ready from now on.
    func putBack(_ jobs: [Located]) async throws {
        for (state, jobs) in Dictionary(grouping: jobs, by: \.state).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            switch state {
            case .ready, .leased:
                try await makeWaiting(
                    jobs.map { job in
                        Waiting(
                            id: job.id, place: job.place, attempts: job.attempts, crashes: job.crashes,
                            suspect: job.suspect)
                    })
            case .delayed:
                for job in jobs { count(job.place.queue, delayed: 1) }
                try await insert(jobs, into: state)
            case .buried:
                for job in jobs {
                    count(job.place.queue, buried: 1)
                    if let group = job.errorGroup { countError(group, job.place.queue, 1, at: job.at ?? now.wall) }
                }
                try await insert(jobs, into: state)
            // The counts of these are those since their queue was created.
            case .done, .cancelled, .expired: try await insert(jobs, into: state)
            }
        }
    }

    private func insert(_ jobs: [Located], into state: JobState) async throws {
        let at = state == .buried ? "buried_at" : state.orderColumn!
        var columns: [(name: String, type: String, values: PostgresValue)] = [
            ("job_id", "bigint", .ints(jobs.map(\.id))),
            ("queue_id", "integer", .int32s(jobs.map { Int32(clamping: $0.place.queue) })),
            ("attempts", "integer", .int32s(jobs.map { Int32(clamping: $0.attempts) })),
            ("crashes", "integer", .int32s(jobs.map { Int32(clamping: $0.crashes) })),
            ("group_id", "bigint", .ints(jobs.map(\.place.group))),
            (at, "bigint", .ints(jobs.map { $0.at ?? now.wall })),
        ]
        if !state.isOver { columns.append(("expires_at", "bigint", .ints(jobs.map(\.place.expiresAt)))) }
        if state.hasReason { columns.append(("reason", "text", .texts(jobs.map { $0.reason ?? "" }))) }
        if state == .buried { columns.append(("error_group", "bigint", .ints(jobs.map { $0.errorGroup ?? 0 }))) }
        // All of them come from another store, or none.
        let burials = jobs.compactMap(\.burial)
        if !burials.isEmpty { columns.append(("burial", "bigint", .ints(burials))) }
        if state == .delayed {
            columns.append(("suspect", "boolean", .bools(jobs.map(\.suspect))))
            columns.append(("holds_group", "boolean", .bools(jobs.map(\.holdsGroup))))
        }
        let arrays = columns.indices.map { "$\($0 + 1)::\(columns[$0].type)[]" }
        _ = try await run([
            PostgresStatement(
                """
                INSERT INTO \(state.table) (\(columns.map(\.name).joined(separator: ", ")))
                \(burials.isEmpty ? "" : "OVERRIDING SYSTEM VALUE")
                SELECT * FROM unnest(\(arrays.joined(separator: ", ")))
                """, columns.map(\.values))
        ])
    }
}
