import ArgumentParser
import StintCore

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show everything about a job.",
        discussion: """
            For each attempt that did not succeed, it shows how and when its process ended, its peak memory and the \
            last lines of its standard error. Of a job that waits, it shows why it is not running now.

            Example:
              stint show 42
              stint show 42 --payload > payload.bin
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The job's id.")
    var id: JobID
    @Flag(
        help:
            "Print one JSON document, with the payload as text, or as payloadBase64 if it is not UTF-8; of a digest, payloads or payloadsBase64."
    )
    var json = false
    @Flag(help: "Write exactly the payload's bytes and nothing else.")
    var payload = false
    @Option(
        help: ArgumentHelp(
            "With --payload: how a digest's payloads are written, see stint work. (default: lines)",
            valueName: "lines|length-prefixed"), transform: DigestFormat.init(argument:))
    var digestFormat: DigestFormat?

    func validate() throws {
        guard !(json && payload) else { throw wrongUsage("--json and --payload do not go together: choose one") }
        guard payload || digestFormat == nil else { throw wrongUsage("--digest-format goes with --payload only") }
    }

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        guard let job = try await queue.job(id) else { throw StintError.notFound(id) }
        if payload { return try Output.write(bytes(of: job)) }
        let reason = job.record.state.isWaiting ? try await queue.waitReason(of: id) : nil
        if json { return try Output.print(try jsonLine(JobDocument(job, waitReason: reason))) }
        var text = Self.text(job, try await waiting(reason, in: queue, job.record.queue))
        if job.record.state == .buried { text += "\n\nkick it with: \(database.command("kick \(id)"))" }
        try Output.print(text)
    }

    /// Why it is not running, in words; `nil` if another line says it.
    private func waiting(_ reason: WaitReason?, in store: JobQueue<AnyJobStore>, _ queue: QueueName) async throws
        -> String?
    {
        switch reason {
        case nil, .delayed?: return nil
        case .turn?:
            let workers = try await store.workers().filter { $0.liveness != .dead }
            let isServed = workers.contains { $0.registration.queues.contains(queue) }
            return isServed ? reason?.description : "no worker takes jobs of queue \(quoted(queue.description))"
        case .paused?, .queueFull?, .groupFull?, .groupWaits?, .rate?: return reason?.description
        }
    }

    private static func excerpt(_ event: [UInt8]) -> String {
        guard let text = String(validating: event.prefix(100), as: UTF8.self) else { return "(\(event.count) bytes)" }
        return text + (event.count > 100 ? "…" : "")
    }

    private func bytes(of job: JobDetails) throws -> [UInt8] {
        guard let events = job.events else { return job.payload }
        let format = digestFormat ?? .lines
        if let number = format.firstUnfit(events) {
            throw StintError.invalidInput(
                "payload \(number) of \(events.count) has a line feed in it: use --digest-format length-prefixed")
        }
        return format.joined(events)
    }

    /// - Parameter waiting: Why it is not running.
    static func text(_ job: JobDetails, _ waiting: String?) -> String {
        let record = job.record
        var rows: [(String, String)] = [
            ("job", "\(record.id) in queue '\(record.queue)'"),
            ("state", record.state.rawValue + (record.suspect ? " (suspect: runs alone next)" : "")),
        ]
        if let waiting { rows.append(("waits", waiting)) }
        rows += [
            ("priority", "\(record.priority)"),
            (
                "attempts",
                "\(record.attempts) of \(record.maxAttempts), crashes \(record.crashes) of \(record.maxCrashes)"
            ),
            ("enqueued", localTime(record.enqueuedAtMilliseconds)),
        ]
        if let runAt = record.runAtMilliseconds { rows.append(("ready at", localTime(runAt))) }
        if let worker = record.worker {
            rows.append(
                (
                    "leased by",
                    "\(worker), token \(record.token?.description ?? "?"), until \(localTime(record.leaseExpiresAtMilliseconds))"
                ))
        }
        if let buriedAt = record.buriedAtMilliseconds { rows.append(("buried", localTime(buriedAt))) }
        if let reason = record.reason { rows.append(("reason", printable(reason))) }
        if let doneAt = record.doneAtMilliseconds { rows.append(("done", localTime(doneAt))) }
        if let cancelledAt = record.cancelledAtMilliseconds { rows.append(("cancelled", localTime(cancelledAt))) }
        if let expiredAt = record.expiredAtMilliseconds { rows.append(("expired", localTime(expiredAt))) }
        if let expiresAt = record.expiresAtMilliseconds { rows.append(("expires", localTime(expiresAt))) }
        if let group = record.group { rows.append(("group", printable(group))) }
        if let time = record.timeToRunMilliseconds { rows.append(("time to run", "\(time) ms")) }
        if let key = record.uniqueKey { rows.append(("unique key", printable(key))) }
        for (name, value) in record.headers { rows.append(("header", "\(name): \(printable(value))")) }
        if let events = job.events {
            rows.append(
                ("payload", "\(record.payloadBytes) bytes in \(events.count) events, \(record.contentType)"))
            for event in events.prefix(5) { rows.append(("", Self.excerpt(event))) }
            if events.count > 5 { rows.append(("", "… and \(events.count - 5) more")) }
        } else {
            rows += payloadRows(job.payload, contentType: record.contentType)
        }
        for failure in job.failures {
            let worker = failure.worker.map { ", worker \($0)" } ?? ""
            rows.append(
                (
                    "attempt \(failure.attempt)",
                    "\(failure.kind.rawValue) at \(localTime(failure.atMilliseconds))\(worker)"
                ))
            rows.append(("", failure.details))
        }
        return text(rows)
    }

    /// The size of a payload, and its beginning if it is text.
    static func payloadRows(_ payload: [UInt8], contentType: String) -> [(String, String)] {
        let size = ("payload", "\(payload.count) bytes, \(contentType)")
        guard let text = String(validating: payload.prefix(400), as: UTF8.self), !text.isEmpty else { return [size] }
        return [size, ("", printable(text) + (payload.count > 400 ? "…" : ""))]
    }

    /// Labels and values in two columns.
    static func text(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { label, value in
            let head = label + String(repeating: " ", count: width - label.count + 2)
            let indent = "\n" + String(repeating: " ", count: width + 2)
            return head
                + printable(value).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: indent)
        }.joined(separator: "\n")
    }
}
