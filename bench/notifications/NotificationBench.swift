import ArgumentParser
import Foundation
import Logging
import Stint
import StintMail
import StintNotifications
import Synchronization

/// The steps that `run.py` measures, each in a process of its own. Each prints its result as JSON.
@main
struct NotificationBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notification-bench", abstract: "Steps of the benchmark of notifications.",
        subcommands: [Size.self, Post.self, FanOut.self, Send.self])
}

struct Report: Encodable {
    var seconds: Double
    /// Events, pages' jobs or mails.
    var count: Int
    /// The most memory that the process had, in bytes.
    var peakMemory: Int
    /// Jobs that are still in the file, in any state but done.
    var left: Int

    func show() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }

    /// In bytes; 0 where there is no /proc.
    static var peakMemory: Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return 0 }
        return kibibytes * 1_024
    }
}

func seconds(_ body: () async throws -> Void) async throws -> Double {
    let time = try await ContinuousClock().measure { try await body() }
    return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
}

func quiet() -> Logger {
    var logger = Logger(label: "notification-bench")
    logger.logLevel = .error
    return logger
}

func notifications(_ network: Network, pageSize: Int = 500) throws -> Notifications<Network> {
    var options = NotificationOptions()
    options.pageSize = pageSize
    return Notifications(
        source: network, templates: try NotificationTemplates(Network.templates), options: options)
}

func event() throws -> NotificationEvent {
    try NotificationEvent(kind: "comment.posted", actor: "42", object: "7", place: Network.place)
}

extension JobQueue {
    func waiting(in name: QueueName) async throws -> Int {
        let found = try await stats().first { $0.name == name }
        return found.map { $0.ready + $0.delayed + $0.leased } ?? 0
    }
}

/// The bytes of one mail.
struct Size: AsyncParsableCommand {
    @Argument var database: String

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        let bytes = Mutex(0)
        var options = Worker.Options()
        options.drains = true
        let all = try notifications(Network(subscribers: 1))
        var fanOut = Worker(queue, queues: ["events"], options: options, logger: quiet())
        all.register(in: &fanOut)
        var worker = Worker(queue, queues: ["notifications"], options: options, logger: quiet())
        all.register(in: &worker) { message, context in
            let count = try message.rfc822(id: "stint-\(context.id)", date: Date()).count
            bytes.withLock { $0 = count }
        }
        let event = try event()
        try await queue.enqueue(event, in: "events", options: event.options)
        try await fanOut.run()
        try await worker.run()
        try Report(seconds: 0, count: bytes.withLock { $0 }, peakMemory: 0, left: 0).show()
        await queue.close()
    }
}

struct Post: AsyncParsableCommand {
    @Argument var database: String
    @Option var events = 1

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        let time = try await seconds {
            for _ in 0..<events {
                let event = try event()
                try await queue.enqueue(event, in: "events", options: event.options)
            }
        }
        try Report(seconds: time, count: events, peakMemory: Report.peakMemory, left: events).show()
        await queue.close()
    }
}

struct FanOut: AsyncParsableCommand {
    @Argument var database: String
    @Option var subscribers = 1_000
    @Option var pageSize = 500

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        var options = Worker.Options()
        options.drains = true
        var worker = Worker(queue, queues: ["events"], options: options, logger: quiet())
        try notifications(Network(subscribers: subscribers), pageSize: pageSize).register(in: &worker)
        let time = try await seconds { [worker] in try await worker.run() }
        let count = try await queue.waiting(in: "notifications")
        let left = try await queue.waiting(in: "events")
        try Report(seconds: time, count: count, peakMemory: Report.peakMemory, left: left).show()
        await queue.close()
    }
}

struct Send: AsyncParsableCommand {
    @Argument var database: String
    @Argument var server: String
    @Option var concurrency = 8
    /// The jobs at work; more than connections, so that the next mail is there when a connection has sent one.
    @Option var jobs: Int?
    @Option var batch = 100

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        var options = Worker.Options()
        options.drains = true
        options.batch = batch
        // At the end the jobs are with the other processes, and this one looks whether they come back.
        options.pollInterval = .milliseconds(100)
        let network = Network(subscribers: 1)
        let transport = SMTPTransport(try SMTPServer(server), maxConnections: concurrency)
        var worker = MailWorker(
            queue, queues: ["notifications"], transport: transport, concurrency: jobs ?? concurrency, options: options,
            logger: quiet())
        try notifications(network).register(in: &worker)
        let time = try await seconds { [worker] in try await worker.run() }
        let left = try await queue.waiting(in: "notifications")
        try Report(seconds: time, count: network.contents, peakMemory: Report.peakMemory, left: left).show()
        await queue.close()
    }
}
