import Synchronization

/// Counts the bodies of one service that are read or handled at once, and their bytes.
final class BodyBudget: Sendable {
    private struct Use {
        var requests = 0
        var bytes = 0
    }

    private let limits: InboundLimits
    private let use = Mutex(Use())

    init(_ limits: InboundLimits) { self.limits = limits }

    /// A place for one body. It is freed when the last copy of this object is gone.
    final class Place: Sendable {
        private let budget: BodyBudget
        private let bytes = Mutex(0)

        fileprivate init(_ budget: BodyBudget) { self.budget = budget }

        /// The bytes that the body has so far.
        var count: Int { bytes.withLock { $0 } }

        /// - Throws: ``InboundRefusal`` if there is no room for this many bytes more.
        func take(_ count: Int) throws {
            try budget.use.withLock { use in
                guard use.bytes + count <= budget.limits.bytesInAll else {
                    throw InboundRefusal.unavailable(
                        "the bodies of this service that are handled now have \(budget.limits.bytesInAll) bytes, the most at once: send it again"
                    )
                }
                use.bytes += count
            }
            bytes.withLock { $0 += count }
        }

        deinit {
            let count = bytes.withLock { $0 }
            budget.use.withLock {
                $0.requests -= 1
                $0.bytes -= count
            }
        }
    }

    /// - Throws: ``InboundRefusal`` if there is no place.
    func place() throws -> Place {
        try use.withLock { use in
            guard use.requests < limits.requests else {
                throw InboundRefusal.unavailable(
                    "\(limits.requests) requests of this service are handled now, the most at once: send it again",
                    retryAfter: 5)
            }
            use.requests += 1
        }
        return Place(self)
    }

    var bytes: Int { use.withLock { $0.bytes } }
    var requests: Int { use.withLock { $0.requests } }
}
