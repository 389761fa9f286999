import Logging
import StintCore
import StintPlatform
import StintRunFiles
import Synchronization

/// The ``RevocationMark`` of a database: 8 bytes in the file `stint.db-revoked` beside it. What one process has written
/// there, every other process reads from then on, since it is one file of one kernel. It need not survive a power cut,
/// which ends everything that could be started.
///
/// It is read and not mapped: if a mapped file is truncated, the process that reads it is killed.
final class RevocationFile: RevocationMark {
    private let database: String
    private let logger: Logger
    /// Opened when it is first needed, so that a command that only reads creates no file. -1: it cannot be opened.
    private let file = Mutex<Int32?>(nil)
    private let listeners = Mutex(Listeners())

    private struct Listeners {
        var next = 0
        var all: [Int: AsyncStream<Void>.Continuation] = [:]
        var watch: RevocationWatch?
        var isOver = false
    }

    /// - Parameter database: Without symbolic links, so that all processes find the same file.
    init(beside database: String, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    deinit {
        end()
        file.withLock { if let file = $0, file >= 0 { StintPlatform.close(file) } }
    }

    func read() -> UInt64 {
        let file = descriptor()
        var value: UInt64 = 0
        guard file >= 0, pread(file, &value, 8, 0) == 8 else { return 0 }
        return value
    }

    /// Called after a transaction that revoked something was committed.
    func change() {
        #if STINT_MUTATIONS
            if RemovedGuard.revocation.isRemoved { return }
        #endif
        let file = descriptor()
        guard file >= 0 else { return }
        // This is no counter: two processes that change it at the same time would write the same number.
        var value = UInt64.random(in: 1 ... .max)
        if pwrite(file, &value, 8, 0) != 8 {
            logger.error(
                "jobs that workers have claimed ahead may still start although they were revoked: the mark cannot be written",
                metadata: ["file": "\(database)-revoked", "error": "\(systemError())"])
        }
    }

    // MARK: - Listening

    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let exists = descriptor() >= 0
        let number = listeners.withLock { listeners -> Int? in
            guard !listeners.isOver else { return nil }
            if exists, listeners.watch == nil {
                listeners.watch = RevocationWatch("\(database)-revoked", logger, read: { [weak self] in self?.read() })
                {
                    [weak self] in self?.notify()
                }
            }
            listeners.next += 1
            listeners.all[listeners.next] = continuation
            return listeners.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.all.removeValue(forKey: number) }
        }
        return stream
    }

    private func notify() {
        for continuation in listeners.withLock({ Array($0.all.values) }) { continuation.yield() }
    }

    /// Ends all streams, and waits until the file is not watched any more.
    func close() async {
        let watch = listeners.withLock(\.watch)
        end()
        await watch?.waitForEnd()
    }

    private func end() {
        let all = listeners.withLock { listeners in
            listeners.isOver = true
            listeners.watch?.end()
            defer { (listeners.watch, listeners.all) = (nil, [:]) }
            return Array(listeners.all.values)
        }
        for continuation in all { continuation.finish() }
    }

    private func descriptor() -> Int32 {
        file.withLock { file in
            if let file { return file }
            let opened: Int32
            do {
                opened = try LockFile.descriptor(database + "-revoked", like: database, writable: true)
            } catch {
                opened = -1
                logger.warning(
                    "jobs that workers have claimed ahead may start although they were revoked meanwhile",
                    metadata: ["error": "\(error)"])
            }
            file = opened
            return opened
        }
    }
}
