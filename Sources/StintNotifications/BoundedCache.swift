import Synchronization

/// What was computed lately, by its keys: it is emptied when it is full, so that keys that come from outside take no more
/// memory than `limit` of them.
struct BoundedCache<Key: Hashable & Sendable, Value: Sendable>: ~Copyable, Sendable {
    private let limit: Int
    private let values = Mutex<[Key: Value]>([:])

    /// - Parameter limit: The most values that are kept.
    init(limit: Int) { self.limit = limit }

    /// - Parameter make: Computes the value if it is not known, perhaps in several threads at once, and must give each of them
    ///   the same. What it throws is not kept.
    func value<Failure>(of key: Key, orMake make: () throws(Failure) -> Value) throws(Failure) -> Value {
        if let known = values.withLock({ $0[key] }) { return known }
        let new = try make()
        values.withLock { values in
            if values.count >= limit { values = [:] }
            values[key] = new
        }
        return new
    }
}
