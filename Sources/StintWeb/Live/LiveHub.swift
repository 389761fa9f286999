import StintCore

/// Renders the pages that somebody looks at again when the queue has changed, at most four times a second, and once for
/// all who look at the same one. While nobody looks, nothing is read.
actor LiveHub {
    /// How long a page stays as it is at least.
    static let pause: Duration = .milliseconds(250)
    /// The most pages at a time; many tabs may look at one.
    static let maximumPages = 500

    /// What a page is: its address and who looks at it, since roles see different buttons.
    struct Key: Hashable {
        let address: String
        let user: String
    }

    private struct Watched {
        let render: @Sendable () async throws -> String
        var latest: LivePage?
        var listeners: [Int: AsyncStream<LivePage>.Continuation] = [:]
    }

    private let changes: @Sendable () -> AsyncStream<Void>
    private var pages: [Key: Watched] = [:]
    private var lastListener = 0
    private var lastVersion = 0
    private var loop: Task<Void, Never>?
    private var beats: Task<Void, Never>?
    /// How often each listener is sent what it has again: whether it is still there is known only by writing to it.
    private static let beat: Duration = .seconds(15)

    init(changes: @escaping @Sendable () -> AsyncStream<Void>) {
        self.changes = changes
    }

    /// The states of a page from now on; of those that were not read in time only the latest comes.
    ///
    /// - Returns: `nil` if too many pages are looked at.
    func watch(
        _ key: Key, render: @escaping @Sendable () async throws -> String
    ) async throws -> AsyncStream<LivePage>? {
        guard pages[key] != nil || pages.count < Self.maximumPages else { return nil }
        let (stream, continuation) = AsyncStream.makeStream(of: LivePage.self, bufferingPolicy: .bufferingNewest(1))
        lastListener += 1
        let number = lastListener
        continuation.onTermination = { [weak self] _ in Task { await self?.leave(key, number) } }
        pages[key, default: Watched(render: render)].listeners[number] = continuation
        if let latest = pages[key]?.latest {
            continuation.yield(latest)
        } else {
            await show(key)
        }
        if loop == nil {
            loop = Task { await run() }
            beats = Task { await beat() }
        }
        return stream
    }

    var pageCount: Int { pages.count }
    var listenerCount: Int { pages.values.reduce(0) { $0 + $1.listeners.count } }
    func latest(_ key: Key) -> LivePage? { pages[key]?.latest }

    private func leave(_ key: Key, _ number: Int) {
        pages[key]?.listeners[number] = nil
        if pages[key]?.listeners.isEmpty == true { pages[key] = nil }
        guard pages.isEmpty else { return }
        for task in [loop, beats] { task?.cancel() }
        (loop, beats) = (nil, nil)
    }

    private func beat() async {
        while true {
            do { try await Task.sleep(for: Self.beat) } catch { return }
            for page in pages.values {
                if let latest = page.latest { for listener in page.listeners.values { listener.yield(latest) } }
            }
        }
    }

    private func run() async {
        for await _ in changes() {
            for key in Array(pages.keys) {
                if Task.isCancelled { return }
                await show(key)
            }
            do { try await Task.sleep(for: Self.pause) } catch { return }
        }
        // The store is closed.
        for page in pages.values { for listener in page.listeners.values { listener.finish() } }
        pages = [:]
        beats?.cancel()
        (loop, beats) = (nil, nil)
    }

    private func show(_ key: Key) async {
        guard let page = pages[key] else { return }
        let html: String
        // A page that cannot be made stays as it was; a new look at it has the error.
        do { html = try await page.render() } catch { return }
        let state = LivePage(html, version: lastVersion + 1)
        guard pages[key] != nil, state.differs(from: pages[key]?.latest) else { return }
        lastVersion += 1
        pages[key]?.latest = state
        for listener in pages[key]?.listeners.values.map({ $0 }) ?? [] { listener.yield(state) }
    }
}
