import StintCore

extension JobTransaction {
    func extend(_ leases: [Lease], by duration: Duration) throws -> [Lease] {
        let extend = try statement(HotSQL.extendLease)
        for token in Set(leases.map(\.token)) {
            extend.bind(1, token.rawValue)
            extend.bind(2, now.monotonic + duration.milliseconds)
            extend.bind(3, now.wall + duration.milliseconds)
            extend.bind(4, duration.milliseconds)
            try extend.execute()
        }
        // A token can still exist after a person has removed one of its jobs.
        let isLeased = try statement(HotSQL.isLeased)
        return try leases.filter { lease in
            isLeased.bind(1, lease.job.rawValue)
            isLeased.bind(2, lease.token.rawValue)
            return try isLeased.first { _ in true } == nil
        }
    }
}
