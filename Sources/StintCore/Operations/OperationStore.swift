/// The operations of a store, and changes by people. Part of ``JobStore``; the same rules apply to its calls.
public protocol OperationStore: Sendable {
    /// Changes jobs by id, all or none, and keeps a record of it if it is known who did it.
    ///
    /// - Throws: `notFound` for the first id that names no job, and `invalidInput` for the first in a state that the
    ///   change does not apply to, or whose unique key is taken where it should go. No job is changed then. Jobs that
    ///   have already what the change would do (``JobChange/isDone(in:)``) stay as they are.
    func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws

    /// Begins an operation; no step is made yet. Its jobs have ids up to the largest one now.
    ///
    /// - Throws: `invalidInput`, also for more than ``BulkOperation/maximumOpen`` of them.
    func begin(_ operation: NewOperation) async throws -> BulkOperation

    /// Begins to bring back what an operation has deleted, each job in the state in which it was; a job that was leased
    /// is ready. A job whose unique key was taken meanwhile is not brought back, and counted as skipped.
    ///
    /// - Throws: `notFound`, or `invalidInput` if there is nothing to bring back.
    func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation

    /// Makes one step, of the running operation whose last step is longest ago: one transaction that changes at most
    /// 1,000 jobs and writes how far the operation is. If nothing is running it only reads.
    func step(by driver: OperationDriver) async throws -> OperationStep

    /// Pauses, resumes or cancels an operation.
    ///
    /// - Throws: `notFound`, or `invalidInput` if it has ended.
    func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation

    func operation(_ id: OperationID) async throws -> BulkOperation?

    /// The latest operations, newest first.
    ///
    /// - Parameter id: Only those that began before this one.
    func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation]
}
