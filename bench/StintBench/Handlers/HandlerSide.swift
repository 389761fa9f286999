/// Who runs a worker, and who writes to the store for it.
enum HandlerSide: Hashable, Encodable, Sendable {
    /// One worker process, without a supervisor.
    case alone
    case supervised(workers: Int, isDirect: Bool)

    /// What `stint-bench drain` is started with, after the way and the database.
    var arguments: [String] {
        switch self {
        case .alone: ["0"]
        case .supervised(let workers, let isDirect): ["\(workers)"] + (isDirect ? ["--direct"] : [])
        }
    }
}
