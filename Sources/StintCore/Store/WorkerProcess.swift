/// A process that has workers or supervises them, as it names itself to a store. All workers of a process end together.
public struct WorkerProcess: Sendable, Hashable, CustomStringConvertible {
    /// For people: `host:pid`. It does not count when two processes are compared.
    public let name: String
    /// Distinguishes it from every other process, of any machine and any time. Only the process's own machine can read
    /// anything out of it; for a store it is text without NUL.
    public let id: String

    public init(name: String, id: String) {
        self.name = name
        self.id = id
    }

    public var description: String { name }

    public static func == (left: WorkerProcess, right: WorkerProcess) -> Bool { left.id == right.id }

    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
