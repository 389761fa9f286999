// Fans events out to members and notes each notification in a file; a test starts it and kills it. Not a part of Stint.
//
//     NotifyingWorker DATABASE FILE MEMBERS PAGE-SIZE MICROSECONDS
//
// A line of the file is "EVENT MEMBER JOB". It sends itself SIGKILL that long after its first page or delivery. With 0 it
// ends when both queues are empty.

import Foundation
import Stint
import StintMail
import StintNotifications
import Synchronization

struct Members: NotificationSource {
    let ids: [String]
    let death: Death

    func subscribers(
        of event: NotificationEvent, after: String?, limit: Int
    ) async throws -> [NotificationSubscriber] {
        death.comes()
        return ids.drop { after != nil && $0 <= after ?? "" }.prefix(limit).map {
            NotificationSubscriber(id: $0, domain: "example.org", timing: .atOnce)
        }
    }

    func recipient(_ member: String) async throws -> NotificationRecipient? {
        NotificationRecipient(id: member, address: "\(member)@example.org", locale: "en")
    }

    func timing(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationTiming {
        .atOnce
    }

    func content(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationContent
    {
        .visible(["title": .text(event.id)])
    }

    func headers(
        of events: [NotificationEvent], for recipient: NotificationRecipient, digest: NotificationDigest?
    ) async throws -> NotificationHeaders { NotificationHeaders(from: "site@example.org") }
}

/// SIGKILL, some time after the first call.
final class Death: Sendable {
    private let microseconds: useconds_t
    private let isComing = Mutex(false)

    init(after microseconds: useconds_t) { self.microseconds = microseconds }

    func comes() {
        let isFirst = isComing.withLock { isComing in
            defer { isComing = true }
            return !isComing
        }
        guard isFirst, microseconds > 0 else { return }
        Thread.detachNewThread { [microseconds] in
            usleep(microseconds)
            kill(getpid(), SIGKILL)
        }
    }
}

let arguments = CommandLine.arguments
let queue = try await JobQueue(.sqlite(arguments[1]))
let file = open(arguments[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
guard file >= 0, let members = Int(arguments[3]), let pageSize = Int(arguments[4]),
    let microseconds = useconds_t(arguments[5])
else { preconditionFailure("NotifyingWorker DATABASE FILE MEMBERS PAGE-SIZE MICROSECONDS") }
let death = Death(after: microseconds)
var options = NotificationOptions()
options.pageSize = pageSize
let notifications = Notifications(
    source: Members(ids: (0..<members).map { "m\(1_000 + $0)" }, death: death),
    templates: try NotificationTemplates([
        "en/note.subject": "{{title}}", "en/note.html": "<p>{{title}}</p>", "en/digest.subject": "x",
        "en/digest.html": "x",
    ]), options: options)
var workerOptions = Worker.Options()
workerOptions.drains = true
var worker = Worker(queue, queues: ["events", "notifications"], concurrency: 4, options: workerOptions)
notifications.register(in: &worker)
notifications.register(in: &worker) { message, context in
    death.comes()
    let line = Array("\(message.subject) \(message.to[0].localPart) \(context.id)\n".utf8)
    // Less than a page: whole or not at all.
    guard write(file, line, line.count) == line.count else { throw CocoaError(.fileWriteUnknown) }
}
let reaper = Task { try await Reaper(queue).run() }
try await worker.run()
reaper.cancel()
