import GRDB
import StintCore

/// A caller's part of a write transaction, and the answer that the caller gets.
struct WriteCall<Value, Answer: Sendable>: Sendable {
    /// The approximate number of jobs that it touches.
    let weight: Int
    /// Whether it must succeed on a full disk.
    let diskFull: DiskFullPolicy
    /// The caller's changes. It may be called again; see ``WriteRequest``.
    let body: @Sendable (JobTransaction) throws -> Value
    /// Runs after the commit, without the write lock; for reading payloads.
    let afterwards: @Sendable (Value, Database) -> Answer
    /// Whether the caller is answered only once the transaction is on disk: if a power cut must not undo the changes, or the
    /// answer depends on what another caller has changed a moment ago.
    let needsSync: @Sendable (Value, _ hasChanges: Bool) -> Bool

    init(
        weight: Int, diskFull: DiskFullPolicy, _ body: @escaping @Sendable (JobTransaction) throws -> Value,
        afterwards: @escaping @Sendable (Value, Database) -> Answer,
        needsSync: @escaping @Sendable (Value, _ hasChanges: Bool) -> Bool = { _, _ in true }
    ) {
        self.weight = weight
        self.diskFull = diskFull
        self.body = body
        self.afterwards = afterwards
        self.needsSync = needsSync
    }
}
