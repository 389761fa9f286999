import Hummingbird
import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func jobPage(_ request: WebRequest) async throws -> Page {
        let id = try request.jobID()
        guard let details = try await request.dashboard.queue.job(id) else { throw StintError.notFound(id) }
        let wait = details.record.state.isUnfinished ? try await request.dashboard.queue.waitReason(of: id) : nil
        let record = details.record.redacted(request.dashboard.options.redacted)
        let facts = JobFacts(job: record, failures: details.failures, waitReason: wait?.description)
        return Page(
            title: "Job \(id)", section: "jobs", template: "job",
            view: JobView(details, facts, request, now: Date()), facts: facts, isLive: true,
            notice: Notices.text(request))
    }

    static func changeJob(_ request: WebRequest, _ form: Form) async throws -> String {
        let id = try request.jobID()
        if form["action"] == "copy" { return try await copy(id, form, request) }
        let change = try form.change(by: request.user)
        try await request.dashboard.queue.change([id], change, by: request.actor)
        return change == .delete ? "/jobs?done=deleted&count=1" : "/jobs/\(id)?done=\(change.notice)"
    }

    /// A new job with the payload and options of another one, which may have been edited.
    private static func copy(_ id: JobID, _ form: Form, _ request: WebRequest) async throws -> String {
        guard let details = try await request.dashboard.queue.job(id) else { throw StintError.notFound(id) }
        let record = details.record
        // A browser ends the lines of a text with CR LF.
        let payload = form["payload"].map { Array($0.replacing("\r\n", with: "\n").utf8) } ?? details.payload
        guard !payload.elementsEqual(Redaction.mark.utf8),
            request.dashboard.options.redacted.isEmpty || form["payload"] == nil
        else { throw WebError(.badRequest, "a payload whose values are redacted cannot be edited; copy it as it is") }
        var options = JobOptions(
            priority: record.priority, maxAttempts: record.maxAttempts, maxCrashes: record.maxCrashes,
            headers: record.headers)
        options.group = record.group
        let job = try NewJob(
            payload, in: try form["queue"].map { try QueueName($0) } ?? record.queue, contentType: record.contentType,
            options: options)
        let new = try await request.dashboard.queue.enqueue(jobs: [job])
        return "/jobs/\(new[0].id)?done=enqueued"
    }

    /// The payload's bytes to save, or as a document in a frame.
    static func payload(_ request: WebRequest) async throws -> Response {
        let id = try request.jobID()
        guard let details = try await request.dashboard.queue.job(id) else { throw StintError.notFound(id) }
        var bytes = details.payload
        let redacted = request.dashboard.options.redacted
        if !redacted.isEmpty {
            guard let text = JSONTree.text(bytes, redacted: redacted) else {
                throw WebError(
                    .forbidden,
                    "values of payloads are redacted here, and this one is no JSON in which they can be found")
            }
            bytes = text
        }
        let body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        if request.showsFrame, request.query("frame") != nil {
            let type =
                PayloadKind(details.record.contentType) == .html
                ? "text/html; charset=utf-8" : "text/plain; charset=utf-8"
            return Response(
                status: .ok, headers: [.contentType: type, .contentSecurityPolicy: SecurityHeaders.document], body: body
            )
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream",
                .contentDisposition:
                    "attachment; filename=\"job-\(id).\(PayloadKind(details.record.contentType).suffix)\"",
                .contentSecurityPolicy: SecurityHeaders.document,
            ], body: body)
    }
}

struct JobFacts: Encodable, Sendable {
    let job: JobRecord
    let failures: [JobFailure]
    let waitReason: String?
}

private struct JobView {
    struct Fact {
        let name: String
        let value: String?
        let href: String?
        let time: TimeView?

        init(_ name: String, _ value: String? = nil, href: String? = nil, time: TimeView? = nil) {
            self.name = name
            self.value = value
            self.href = href
            self.time = time
        }
    }

    struct Attempt {
        let number: Int
        let kind: String
        let at: TimeView
        let error: String
        let worker: String?
        let ending: String?
        let memory: String?
        let ran: String?
        let standardError: String?
    }

    struct Header {
        let name: String
        let value: String
    }

    struct Action {
        let name: String
        let title: String
        let command: String
        let isDangerous: Bool
    }

    let base: String
    let id: String
    let title: String
    let isNamed: Bool
    let state: StateView
    let wait: String?
    let reason: String?
    let facts: [Fact]
    let headers: [Header]
    let hasHeaders: Bool
    let attempts: [Attempt]
    let hasAttempts: Bool
    let payloadSize: String
    let contentType: String
    let tree: String?
    let text: String?
    let dump: String?
    let frame: String?
    let isCut: Bool
    let isEmpty: Bool
    let raw: String
    let action: String
    let dryRun: String?
    let actions: [Action]
    let canOperate: Bool
    let canBury: Bool
    let canKick: Bool
    let canMove: Bool
    let priority: String
    let queue: String
    let editable: String?

    init(_ details: JobDetails, _ facts: JobFacts, _ request: WebRequest, now: Date) {
        let job = facts.job
        base = request.dashboard.options.basePath
        let base = base
        id = job.id.description
        let id = id
        let name = job.headers[Headers.jobName]
        title = name ?? "Job \(id)"
        isNamed = name != nil
        state = StateView(job.state)
        wait = facts.waitReason
        reason = job.reason
        queue = job.queue.description
        var rows = [
            Fact("Queue", queue, href: "\(base)/queues/\(percentEncoded(queue))"), Fact("Priority", "\(job.priority)"),
            Fact("Attempts", "\(job.attempts) of \(job.maxAttempts)"),
            Fact("Crashes", "\(job.crashes) of \(job.maxCrashes)"),
            Fact("Enqueued", time: TimeView(job.enqueuedAt, now: now)),
        ]
        func add(_ name: String, _ date: Date?) {
            if let date { rows.append(Fact(name, time: TimeView(date, now: now))) }
        }
        add(job.state == .delayed ? "Runs" : "Run at", job.runAt)
        add("Expires", job.expiresAt)
        add("Buried", job.buriedAt)
        add("Done", job.doneAt)
        add("Cancelled", job.cancelledAt)
        add("Expired", job.expiredAt)
        if let group = job.group {
            let query = JobQuery(queue: job.queue).adding(.init(.group(QueryText(group))))
            rows.append(Fact("Group", group, href: listPath(base, query)))
        }
        if let key = job.uniqueKey { rows.append(Fact("Unique key", key)) }
        if let worker = job.worker { rows.append(Fact("Worker", worker)) }
        if let token = job.token { rows.append(Fact("Token", "\(token)")) }
        add("Lease ends", job.leaseExpiresAt)
        if let limit = job.timeToRun { rows.append(Fact("Time to run", limit.unitsText)) }
        if job.suspect {
            rows.append(Fact("Suspect", "runs alone next: its last worker died, and it may be the cause"))
        }
        if let events = job.events {
            rows.append(Fact("Digest", events == 1 ? "1 event" : "\(Words.count(events)) events"))
        }
        self.facts = rows
        headers = job.headers.map { Header(name: $0.key, value: $0.value) }
        hasHeaders = !headers.isEmpty
        attempts = facts.failures.reversed().map { failure in
            let diagnostics = failure.diagnostics
            return Attempt(
                number: failure.attempt, kind: failure.kind.rawValue, at: TimeView(failure.at, now: now),
                error: failure.error,
                worker: failure.worker, ending: diagnostics?.howItEnded,
                memory: Words.bytes(diagnostics?.peakMemoryBytes),
                ran: diagnostics?.runTime.map(Words.duration),
                standardError: diagnostics?.standardError.flatMap { $0.isEmpty ? nil : $0 })
        }
        hasAttempts = !attempts.isEmpty

        let redacted = request.dashboard.options.redacted
        let bytes = details.payload
        let kind = PayloadKind(job.contentType)
        contentType = job.contentType
        payloadSize = Words.bytes(Int64(bytes.count)) ?? ""
        raw = "\(base)/jobs/\(id)/payload"
        isEmpty = bytes.isEmpty
        tree = kind == .json ? JSONTree.html(bytes, redacted: redacted) : nil
        let plain = redacted.isEmpty && tree == nil && kind != .bytes ? String(validating: bytes, as: UTF8.self) : nil
        frame = (kind == .html || kind == .mail) && redacted.isEmpty && !bytes.isEmpty ? raw + "?frame" : nil
        text = bytes.isEmpty || frame != nil ? nil : plain.map { String($0.prefix(20_000)) }
        dump =
            tree == nil && text == nil && frame == nil && !bytes.isEmpty && redacted.isEmpty
            ? Self.dump(bytes.prefix(2_048)) : nil
        isCut = text != nil && bytes.count > 80_000 || dump != nil && bytes.count > 2_048
        editable =
            redacted.isEmpty && bytes.count <= 65_536 && kind != .bytes ? String(validating: bytes, as: UTF8.self) : nil

        action = "\(base)/jobs/\(id)/actions"
        dryRun =
            job.state == .buried && request.dashboard.options.dryRuns[job.queue] != nil
            ? "\(base)/jobs/\(id)/dry-runs" : nil
        actions = Self.actions(job.state).map {
            Action(name: $0.0, title: $0.1, command: request.command($0.2, id), isDangerous: $0.3)
        }
        canOperate = request.user.role >= .operate
        canBury = job.state == .ready || job.state == .delayed
        canKick = job.state == .buried
        canMove = canBury || canKick
        priority = "\(job.priority)"
    }

    private static func actions(_ state: JobState) -> [(String, String, String, Bool)] {
        let delete = ("delete", "Delete", "delete", true)
        let cancel = ("cancel", "Cancel", "cancel", true)
        return switch state {
        case .ready: [cancel, delete]
        case .delayed: [("run-now", "Run now", "kick", false), cancel, delete]
        case .leased: [cancel]
        case .buried: [("kick", "Kick", "kick", false), delete]
        case .done, .cancelled, .expired: []
        }
    }

    /// `00000000  48 65 6c 6c 6f …  Hello`
    private static func dump(_ bytes: ArraySlice<UInt8>) -> String {
        let all = Array(bytes)
        return stride(from: 0, to: all.count, by: 16).map { start in
            let line = all[start..<min(start + 16, all.count)]
            let offset = String(start, radix: 16)
            let hex = line.map { HexText.text([$0]) }.joined(separator: " ")
            let text = line.map { (0x20..<0x7f).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
            return String(repeating: "0", count: 8 - offset.count) + offset + "  " + hex
                + String(repeating: " ", count: 49 - hex.count) + text
        }.joined(separator: "\n")
    }
}
