import StintCore

/// Renders the pages that somebody looks at again when the queue has changed, at most four times a second, and once for
/// all who look at the same one. While nobody looks, nothing is read.
actor LiveHub {
    /// How long a page stays as it is at least.
    static let pause: Duration = .milliseconds(250)
    /// All pages together take at most this part of one processor: if they are many or slow, they change less often.
    private static let share = 20
    /// The longest time between two states.
    private static let longestPause: Duration = .seconds(10)
    /// The most pages at a time; many tabs may look at one.
    static let maximumPages = 500
    /// The most who look, at all pages together.
    static let maximumListeners = 2_000

    /// What a page is: its address and who looks at it, since roles see different buttons.
    struct Key: Hashable {
        let address: String
        let user: String
    }

    /// What one who looks gets.
    struct Look: Sendable {
        let states: AsyncStream<LivePage>
        /// Ends it, also while nothing changes.
        let end: @Sendable () -> Void
    }

    private final class Watched {
        let render: @Sendable () async throws -> String
        var latest: LivePage?
        var listeners: [Int: AsyncStream<LivePage>.Continuation] = [:]
        var isRendering = false
        /// Whether the queue has changed since the page began to be rendered.
        var isOutdated = false

        init(_ render: @escaping @Sendable () async throws -> String) {
            self.render = render
        }
    }

    private let changes: @Sendable () -> AsyncStream<Void>
    private var pages: [Key: Watched] = [:]
    private var lastListener = 0
    private var lastVersion = 0
    private var loop: Task<Void, Never>?
    private var beats: Task<Void, Never>?
    /// How often a page was rendered since the start.
    private(set) var renders = 0
    private(set) var listenerCount = 0
    /// How often each listener is sent what it has again: whether it is still there is known only by writing to it.
    private static let beat: Duration = .seconds(15)

    init(changes: @escaping @Sendable () -> AsyncStream<Void>) {
        self.changes = changes
    }

    /// The states of a page from now on; of those that were not read in time only the latest comes.
    ///
    /// - Returns: `nil` if too many pages are looked at, or by too many.
    func watch(_ key: Key, render: @escaping @Sendable () async throws -> String) async throws -> Look? {
        guard pages[key] != nil || pages.count < Self.maximumPages, listenerCount < Self.maximumListeners else {
            return nil
        }
        let (stream, continuation) = AsyncStream.makeStream(of: LivePage.self, bufferingPolicy: .bufferingNewest(1))
        lastListener += 1
        let number = lastListener
        continuation.onTermination = { [weak self] _ in Task { await self?.leave(key, number) } }
        let page = pages[key] ?? Watched(render)
        pages[key] = page
        page.listeners[number] = continuation
        listenerCount += 1
        if let latest = page.latest {
            continuation.yield(latest)
        } else if !page.isRendering {
            await show(page)
        }
        // Perhaps the one who looked has gone meanwhile.
        if loop == nil, !pages.isEmpty {
            loop = Task { await run() }
            beats = Task { await beat() }
        }
        return Look(states: stream, end: { continuation.finish() })
    }

    var pageCount: Int { pages.count }
    func latest(_ key: Key) -> LivePage? { pages[key]?.latest }

    /// Renders all pages, although the queue has not changed.
    func refresh() async { for page in Array(pages.values) { await show(page) } }

    private func leave(_ key: Key, _ number: Int) {
        guard pages[key]?.listeners.removeValue(forKey: number) != nil else { return }
        listenerCount -= 1
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
            let start = ContinuousClock.now
            for page in Array(pages.values) {
                if Task.isCancelled { return }
                await show(page)
            }
            let pause = Self.pause(after: ContinuousClock.now - start)
            do { try await Task.sleep(for: pause) } catch { return }
        }
        // Cancelled: another loop may be at work for those who have come since.
        if Task.isCancelled { return }
        // The store is closed.
        for page in pages.values { for listener in page.listeners.values { listener.finish() } }
        (pages, listenerCount) = ([:], 0)
        beats?.cancel()
        (loop, beats) = (nil, nil)
    }

    /// How long to wait if it took this time to render the pages.
    static func pause(after time: Duration) -> Duration { min(longestPause, max(pause, time * (share - 1))) }

    private func show(_ page: Watched) async {
        guard !page.listeners.isEmpty else { return }
        // Two at a time could end in the wrong order.
        guard !page.isRendering else {
            page.isOutdated = true
            return
        }
        page.isRendering = true
        defer { page.isRendering = false }
        repeat {
            page.isOutdated = false
            renders += 1
            let html: String
            // A page that cannot be made stays as it was; a new look at it has the error.
            do { html = try await page.render() } catch { continue }
            let state = LivePage(html, version: lastVersion + 1)
            guard state.differs(from: page.latest) else { continue }
            lastVersion += 1
            page.latest = state
            for listener in page.listeners.values { listener.yield(state) }
        } while page.isOutdated && !page.listeners.isEmpty
    }
}
