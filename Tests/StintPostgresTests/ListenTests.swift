import PostgresSupport
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: LISTEN")
struct ListenTests {
    @Test("what is sent to a channel arrives, after an empty text at the beginning and after each lost connection")
    func notifications() async throws {
        let database = try await TestDatabase()
        let channel = "a \"channel\""
        var received = database.connections.notifications(channel).makeAsyncIterator()
        let listening = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        for round in 1...3 {
            #expect(await received.next() == "")
            for text in ["first \(round)", "second: é 🏳️‍🌈"] {
                _ = try await database.administrator.run("SELECT pg_notify($1, $2)", .text(channel), .text(text))
                #expect(await received.next() == text)
            }
            try await database.terminate(try await database.administrator.run(listening)[0].int(0))
        }
        await database.close()
        while let text = await received.next() { #expect(text == "") }
    }

    @Test("several listeners share one connection, which closes with the last of them")
    func severalListeners() async throws {
        let database = try await TestDatabase()
        let (connections, administrator) = (database.connections, database.administrator)
        let listening =
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'LISTEN'"
            + " AND pid <> pg_backend_pid()"
        @Sendable func first(of channel: String, ready: Counter) async -> String? {
            var isReady = false
            for await text in connections.notifications(channel) {
                if !text.isEmpty { return text }
                // It may be told more than once that something may be missing.
                if !isReady { ready.increment() }
                isReady = true
            }
            return nil
        }
        let ready = Counter()
        let tasks = ["a", "a", "b"].map { channel in Task { await first(of: channel, ready: ready) } }
        try await eventually("all listen") { ready.value >= 3 }
        #expect(try await administrator.run(listening).count == 1)
        _ = try await administrator.run([
            PostgresStatement("SELECT pg_notify('a', '1')"), PostgresStatement("SELECT pg_notify('b', '2')"),
        ])
        var texts: [String?] = []
        for task in tasks { texts.append(await task.value) }
        #expect(texts == ["1", "1", "2"])
        try await eventually("the connection is closed") { try await administrator.run(listening).isEmpty }

        // And it opens again.
        var again = connections.notifications("b").makeAsyncIterator()
        #expect(await again.next() == "")
        await database.close()
    }

    @Test("one who does not read fast enough is told that some are missing")
    func unread() async throws {
        let database = try await TestDatabase()
        let slow = database.connections.notifications("c")
        var fast = database.connections.notifications("c").makeAsyncIterator()
        var slowReader = slow.makeAsyncIterator()
        #expect(await slowReader.next() == "")
        #expect(await fast.next() == "")
        let count = PostgresConnections.unreadNotifications + 10
        _ = try await database.administrator.run(
            "SELECT pg_notify('c', n::text) FROM generate_series(1, \(count)) AS n")
        while let text = await fast.next(), text != "\(count)" {}
        await database.close()
        var texts: [String] = []
        while let text = await slowReader.next() { texts.append(text) }
        #expect(texts.count == PostgresConnections.unreadNotifications)
        #expect(texts.first != "1")
        #expect(texts.contains(""))
    }

    @Test("a listener may be asked to listen in the moment in which it is closed")
    func closedWhileAsked() async throws {
        let database = try await TestDatabase()
        let pool = database.connections.pool
        var first = database.connections.notifications("a").makeAsyncIterator()
        #expect(await first.next() == "")
        #expect(await pool.requestsAfterClosing(asked: "b") == 0)
        #expect(await first.next() == nil)
        var again = database.connections.notifications("c").makeAsyncIterator()
        #expect(await again.next() == "")
        await database.close()
    }
}

extension ConnectionPool {
    /// Closes the listener after it was asked to listen, and before it has sent what it was asked for.
    ///
    /// - Returns: How many requests the closed connection has taken then; -1: there was none.
    fileprivate func requestsAfterClosing(asked channel: String) async -> Int {
        let connection = listener.slot.connection
        let (_, continuation) = AsyncStream.makeStream(of: String.self)
        listen(to: channel, continuation)
        closeListener()
        // It runs after the task that was to ask.
        await Task { _ = self.isClosed }.value
        return connection?.inFlight.count ?? -1
    }
}
