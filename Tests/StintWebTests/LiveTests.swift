import Foundation
import StintCore
import StintTesting
import Synchronization
import TestSupport
import Testing

@testable import StintWeb

@Suite("Live pages")
struct LiveTests {
    private final class Renders: Sendable {
        let count = Atomic(0)
        let text = Mutex("<p data-live=\"a\">0</p>")
    }

    @Test("two hundred who look at one page cost what one costs, and nobody who looks costs nothing")
    func sharing() async throws {
        let renders = Renders()
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listens = Atomic(0)
        let hub = LiveHub(changes: {
            listens.add(1, ordering: .relaxed)
            return changes
        })
        let key = LiveHub.Key(address: "/", user: "view")
        #expect(listens.load(ordering: .relaxed) == 0)
        let watchers = (0..<200).map { _ in
            Task {
                var seen: [String] = []
                for await page in try #require(
                    try await hub.watch(key) {
                        renders.count.add(1, ordering: .relaxed)
                        return renders.text.withLock { $0 }
                    }
                ).states {
                    // From time to time each is sent again what it has.
                    if seen.last != page.values["a"] { seen.append(page.values["a"] ?? "") }
                    if page.values["a"] == "7" { break }
                }
                return seen
            }
        }
        try await eventually("all of them look") { await hub.listenerCount == 200 }
        try await eventually("the page is made") { await hub.latest(key) != nil }
        renders.text.withLock { $0 = "<p data-live=\"a\">7</p>" }
        change.yield()
        for watcher in watchers {
            let seen = try await watcher.value
            // One that comes late to the first state, and finds the second one, has missed nothing.
            #expect(seen == ["0", "7"] || seen == ["7"])
        }
        #expect(renders.count.load(ordering: .relaxed) == 2 && listens.load(ordering: .relaxed) == 1)
        try await eventually("nobody looks") { await hub.pageCount == 0 }
    }

    @Test("a reader that does not read gets the latest state when it does, and not all of them")
    func slowReaders() async throws {
        let renders = Renders()
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .unbounded)
        let hub = LiveHub(changes: { changes })
        let make: @Sendable () async throws -> String = {
            let count = renders.count.add(1, ordering: .relaxed).newValue
            return "<p data-live=\"a\">\(count)</p>"
        }
        let stream = try #require(try await hub.watch(.init(address: "/", user: "view"), render: make)).states
        for _ in 0..<4 { change.yield() }
        try await eventually("it was made five times") { renders.count.load(ordering: .relaxed) >= 5 }
        var iterator = stream.makeAsyncIterator()
        // The one that is waiting to be read is the last that was made.
        try await eventually("the last one is there") {
            await hub.latest(.init(address: "/", user: "view"))?.values["a"] == "5"
        }
        #expect(await iterator.next()?.values["a"] == "5")
    }

    @Test("many who come while the page is made get that one, and what has changed meanwhile is made after it")
    func together() async throws {
        let renders = Renders()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let hub = LiveHub(changes: { AsyncStream { _ in } })
        let key = LiveHub.Key(address: "/", user: "view")
        let make: @Sendable () async throws -> String = {
            let text = renders.text.withLock { $0 }
            if renders.count.add(1, ordering: .relaxed).newValue == 1 { for await _ in gate { break } }
            return text
        }
        let watchers = (0..<50).map { _ in
            Task {
                for await page in try #require(try await hub.watch(key, render: make)).states {
                    if page.values["a"] == "7" { break }
                }
            }
        }
        try await eventually("all of them look") { await hub.listenerCount == 50 }
        renders.text.withLock { $0 = "<p data-live=\"a\">7</p>" }
        await hub.refresh()
        #expect(renders.count.load(ordering: .relaxed) == 1)
        open.yield()
        for watcher in watchers { try await watcher.value }
        #expect(renders.count.load(ordering: .relaxed) == 2)
        #expect(await hub.renders == 2)
    }

    @Test("there is a limit of pages, and one of all who look, and who looks at a page already is not counted twice")
    func limits() async throws {
        let hub = LiveHub(changes: { AsyncStream { _ in } })
        func watch(_ number: Int) async throws -> LiveHub.Look? {
            try await hub.watch(.init(address: "/\(number)", user: "view")) { "<p data-live=\"a\">0</p>" }
        }
        var looks: [LiveHub.Look] = []
        for number in 0..<LiveHub.maximumPages { looks.append(try #require(try await watch(number))) }
        #expect(try await watch(LiveHub.maximumPages) == nil)
        for _ in LiveHub.maximumPages..<LiveHub.maximumListeners { looks.append(try #require(try await watch(7))) }
        #expect(try await watch(7) == nil)
        #expect(await hub.listenerCount == LiveHub.maximumListeners)
        for look in looks { look.end() }
        try await eventually("nobody looks") { await hub.pageCount == 0 }
        #expect(try await watch(LiveHub.maximumPages) != nil)
    }

    @Test("an end without a change is noticed at once")
    func ending() async throws {
        let hub = LiveHub(changes: { AsyncStream { _ in } })
        let look = try #require(
            try await hub.watch(.init(address: "/", user: "view"), render: { "<p data-live=\"a\">0</p>" }))
        look.end()
        try await eventually("nobody looks") { await hub.listenerCount == 0 }
        #expect(await hub.pageCount == 0)
    }

    @Test(
        "pages that take long are made less often",
        arguments: [(1, 250), (13, 250), (20, 380), (100, 1_900), (5_000, 10_000)])
    func pauses(milliseconds: Int, pause: Int) {
        #expect(LiveHub.pause(after: .milliseconds(milliseconds)) == .milliseconds(pause))
    }

    @Test("a stream has the values first, then what changes; one that comes back with the last id gets nothing twice")
    func events() async throws {
        let queue = try await sampleQueue()
        try await withServer(queue) { client, _ in
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                Thread.detachNewThread {
                    continuation.resume(with: Result { try Self.follow(client, queue) })
                }
            }
        }
    }

    private static func follow(_ client: WebClient, _ queue: JobQueue<InMemoryStore>) throws {
        func page() throws -> String {
            let connection = try WebConnection(port: client.port)
            try connection.write("GET /queues HTTP/1.1\r\nHost: 127.0.0.1:\(client.port)\r\nConnection: close\r\n\r\n")
            let text = try connection.readToEnd()
            return String(try #require(text.firstMatch(of: /data-stream="([^"]*)"/)).1).replacing("&amp;", with: "&")
        }
        var stream = try page()
        func open(_ last: String? = nil) throws -> WebConnection {
            let connection = try WebConnection(port: client.port)
            let header = last.map { "Last-Event-ID: \($0)\r\n" } ?? ""
            try connection.write("GET \(stream) HTTP/1.1\r\nHost: 127.0.0.1:\(client.port)\r\n\(header)\r\n")
            return connection
        }
        let connection = try open()
        let first = try connection.read(until: "\"queue:mail:ready\":\"1\"")
        #expect(first.contains("text/event-stream"))
        blocking { try await queue.enqueue(payload: [1], in: "mail") }
        let second = try connection.read(until: "\"queue:mail:ready\":\"2\"")
        #expect(!second.contains("queue:other"))
        let id = try #require(second.firstMatch(of: /id: ([0-9]+)/)).1
        let again = try open(String(id))
        let known = try again.read(until: "\n:\n\n")
        #expect(!known.contains("queue:mail"), "\(known)")
        blocking { try await queue.enqueue(payload: [1], in: "other") }
        let news = try again.read(until: "\"queue:other:ready\":\"1\"")
        #expect(news.firstRange(of: "\"queue:mail:ready\":\"2\"") == nil)
        // What was loaded before there was a third queue gets all of the page.
        blocking { try await queue.enqueue(payload: [1], in: "third") }
        let whole = try open().read(until: "queue:third:ready")
        #expect(whole.contains("\"html\":\""))
        stream = try page()
        let values = try open().read(until: "\"queue:third:ready\":\"1\"")
        #expect(!values.contains("\"html\":\""))
    }

    private static func blocking(_ body: @escaping @Sendable () async throws -> Void) {
        let done = DispatchSemaphore(value: 0)
        Task {
            try await body()
            done.signal()
        }
        done.wait()
    }

    @Test(
        "only pages can be watched", arguments: ["/metrics", "/nothing", "jobs", "//evil.example/", "/jobs/1/payload"])
    func noPage(path: String) async throws {
        try await withServer(try await sampleQueue()) { client, _ in
            same(try await client.send("GET", "/live?page=\(percentEncoded(path))").status, 404)
        }
    }
}
