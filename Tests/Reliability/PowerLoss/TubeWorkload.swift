import CFaults
import Logging
import StintBeanstalk
import StintCore
import StintSQLite
import Synchronization
import TestSupport

/// Clients of beanstalkd's protocol at a server, each with a tube of its own, so that what comes of its commands is known.
///
/// In the record of the files is a mark before each command is sent, and another one when its reply has been read.
struct TubeWorkload: Sendable {
    static let clients = 4

    /// What a job is. One that is reserved counts as ready: the reservation ends with the server.
    enum Place: Hashable {
        case ready(UInt32)
        case delayed(UInt32)
        case buried(UInt32)
    }

    /// A command that changed a job, or may have done so.
    struct Change {
        let number: Int
        /// By its body, which is unique.
        let job: String
        /// `nil`: it is deleted.
        let place: Place?
    }

    /// What was done, in the order in which it was sent.
    final class Log: Sendable {
        private let state = Mutex<(changes: [Change], ids: [String: Int])>(([], [:]))

        /// - Returns: The change's number.
        func sends(_ job: String, _ place: Place?) -> Int {
            state.withLock { state in
                let number = state.changes.count + 1
                state.changes.append(Change(number: number, job: job, place: place))
                faults_mark(Self.mark(number, isAnswered: false))
                return number
            }
        }

        func isAnswered(_ number: Int) { faults_mark(Self.mark(number, isAnswered: true)) }

        func isPut(_ job: String, _ id: Int) { state.withLock { $0.ids[job] = id } }

        var changes: [Change] { state.withLock(\.changes) }
        /// By body.
        var ids: [String: Int] { state.withLock(\.ids) }

        private static func mark(_ number: Int, isAnswered: Bool) -> Int64 { Int64(2 * number + (isAnswered ? 1 : 0)) }
    }

    let seed: UInt64
    /// Of each client.
    let commands: Int
    let log = Log()

    /// Works at a server on a database that it creates.
    func run(_ database: String, _ options: SQLiteStore.Options, socket: String) async throws {
        try await Self.withServer(database, options, socket: socket) {
            try await withThrowingTaskGroup(of: Void.self) { clients in
                for number in 0..<Self.clients {
                    clients.addTask {
                        try await TubeClient.connected(to: socket) { try await work(number, &$0) }
                    }
                }
                try await clients.waitForAll()
            }
        }
    }

    static func withServer(
        _ database: String, _ options: SQLiteStore.Options, socket: String, _ body: () async throws -> Void
    ) async throws {
        let queue = try await JobQueue(.sqlite(database, options: options))
        // `stint serve` has a reaper beside the server, which ends the leases of an earlier boot.
        while try await queue.store.reap().requeued > 0 {}
        var serving = JobServer.Options()
        serving.logger = Logger(label: "torture") { _ in SwiftLogNoOpLogHandler() }
        let (listening, continuation) = AsyncStream.makeStream(of: Void.self)
        let server = try JobServer(queue, at: .unix(path: socket), options: serving) { _ in continuation.yield() }
        let running = Task {
            defer { continuation.finish() }
            try await server.run()
        }
        var failure: (any Error)?
        for await _ in listening {
            do { try await body() } catch { failure = error }
            break
        }
        running.cancel()
        do { try await running.value } catch { failure = failure ?? error }
        await queue.close()
        if let failure { throw failure }
    }

    // MARK: - A client

    private struct Job {
        let body: String
        var place: Place
        var isHeld = false

        /// Where a kick puts it.
        var kicked: Place? {
            switch place {
            case .ready: nil
            case .delayed(let priority), .buried(let priority): .ready(priority)
            }
        }
    }

    private func work(_ number: Int, _ client: inout TubeClient) async throws {
        var chance = SeededGenerator(seed: seed &+ UInt64(number))
        var jobs: [Int: Job] = [:]
        let tube = "tube-\(number)"
        _ = try await client.ask("use \(tube)")
        _ = try await client.ask("watch \(tube)")
        _ = try await client.ask("ignore default")
        for step in 0..<commands {
            let held = jobs.filter(\.value.isHeld).keys.sorted()
            let waiting = jobs.filter { !$0.value.isHeld }.keys.sorted()
            let priority = [0, 7, 1_024, UInt32.max].randomElement(using: &chance)!
            let delay = [0, 0, 90_000].randomElement(using: &chance)!
            let place: Place = delay == 0 ? .ready(priority) : .delayed(priority)
            switch Int.random(in: 0..<10, using: &chance) {
            case 0, 1, 2:
                let body = "\(tube)-\(step)-" + String(repeating: "x", count: Int.random(in: 0..<2_000, using: &chance))
                let sent = log.sends(body, place)
                let reply = try await client.ask("put \(priority) \(delay) 600 \(body.utf8.count)\r\n\(body)").line
                log.isAnswered(sent)
                let words = reply.split(separator: " ")
                guard words.first == "INSERTED", let id = Int(words[1]) else { throw Self.wrong("a put", reply) }
                log.isPut(body, id)
                jobs[id] = Job(body: body, place: place)
            case 3, 4:
                let reply = try await client.ask("reserve-with-timeout 0").line
                if let id = Int(reply.split(separator: " ").dropFirst().first ?? "") { jobs[id]!.isHeld = true }
            case 5:
                guard let id = (held + waiting).randomElement(using: &chance) else { continue }
                try await change(id, nil, "delete \(id)", "DELETED", &jobs, &client)
            case 6:
                guard let id = held.randomElement(using: &chance) else { continue }
                try await change(id, place, "release \(id) \(priority) \(delay)", "RELEASED", &jobs, &client)
            case 7:
                guard let id = held.randomElement(using: &chance) else { continue }
                try await change(id, .buried(priority), "bury \(id) \(priority)", "BURIED", &jobs, &client)
            case 8:
                guard let id = held.randomElement(using: &chance) else { continue }
                let reply = try await client.ask("touch \(id)").line
                guard reply == "TOUCHED" else { throw Self.wrong("touch \(id)", reply) }
            default:
                guard let id = waiting.filter({ jobs[$0]!.kicked != nil }).randomElement(using: &chance) else {
                    continue
                }
                try await change(id, jobs[id]!.kicked, "kick-job \(id)", "KICKED", &jobs, &client)
            }
        }
    }

    private func change(
        _ id: Int, _ place: Place?, _ command: String, _ expected: String, _ jobs: inout [Int: Job],
        _ client: inout TubeClient
    ) async throws {
        let body = jobs[id]!.body
        let sent = log.sends(body, place)
        let reply = try await client.ask(command).line
        log.isAnswered(sent)
        guard reply == expected else { throw Self.wrong(command, reply) }
        jobs[id] = place.map { Job(body: body, place: $0) }
    }

    private static func wrong(_ command: String, _ reply: String) -> TortureError {
        TortureError("'\(command)' was answered with '\(reply)'")
    }
}
