import Dispatch
import Logging
import StintPlatform

/// Calls a closure soon after each write to the file of a ``RevocationFile``, by any process: the kernel reports it
/// (inotify; kqueue on macOS). It has no thread of its own, and costs nothing while nothing is revoked.
///
/// `@unchecked Sendable`: everything mutable is used on `queue` alone.
final class RevocationWatch: @unchecked Sendable {
    /// How often to read the mark if the kernel cannot report writes: the system has few such watches.
    private static let pollInterval: DispatchTimeInterval = .milliseconds(100)

    private let queue = DispatchQueue(label: "stint.revocations")
    private let isOver = DispatchGroup()
    private var source: (any DispatchSourceProtocol)?
    private var writes: FileWrites?
    private var lastMark: UInt64?

    /// - Parameters:
    ///   - read: Reads the mark.
    ///   - onChange: Called once for several changes that come together.
    init(
        _ path: String, _ logger: Logger, read: @escaping @Sendable () -> UInt64?,
        onChange: @escaping @Sendable () -> Void
    ) {
        let source: any DispatchSourceProtocol
        do {
            let writes = try FileWrites(path)
            self.writes = writes
            source = DispatchSource.makeReadSource(fileDescriptor: writes.descriptor, queue: queue)
            source.setEventHandler { [weak self] in if self?.writes?.clear() == true { onChange() } }
        } catch {
            logger.debug("the system cannot report revocations, so the mark is read ten times a second: \(error)")
            let timer = DispatchSource.makeTimerSource(queue: queue)
            timer.schedule(
                deadline: .now() + Self.pollInterval, repeating: Self.pollInterval, leeway: .milliseconds(10))
            lastMark = read()
            source = timer
            source.setEventHandler { [weak self] in
                let mark = read()
                guard let self, mark != lastMark else { return }
                lastMark = mark
                onChange()
            }
        }
        isOver.enter()
        // The descriptor may be closed only now. It keeps this object until then.
        source.setCancelHandler { [self] in
            (writes, self.source) = (nil, nil)
            isOver.leave()
        }
        self.source = source
        source.activate()
    }

    func end() {
        queue.async { self.source?.cancel() }
    }

    /// Waits until it has ended, and its descriptor is closed.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            isOver.notify(queue: .global()) { continuation.resume() }
        }
    }
}
