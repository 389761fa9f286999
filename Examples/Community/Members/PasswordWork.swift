import NIOPosix
import Synchronization

/// Hashes passwords, which takes memory and a processor for a while: few at once, and on threads of their own, so that no
/// number of visitors takes the site's.
final class PasswordWork: Sendable {
    /// How many run at once, with about 16 MiB each.
    static let atOnce = 2
    /// How many may run or wait. Further ones are refused at once.
    static let most = 32

    /// They live as long as the process.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: atOnce)
        threads.start()
        return threads
    }()

    private let count = Mutex(0)

    var isFull: Bool { count.withLock { $0 >= Self.most } }

    /// - Throws: ``PageError`` if too many wait, or what the body throws.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try count.withLock { count in
            guard count < Self.most else { throw PageError.busy }
            count += 1
        }
        defer { count.withLock { $0 -= 1 } }
        return try await Self.threads.runIfActive(body)
    }
}
