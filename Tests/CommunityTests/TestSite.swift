import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Stint
import StintInbound
import StintMail
import StintNotifications
import Synchronization
import TestSupport

@testable import community

/// A community in a folder of its own, whose mails are kept and not sent. Its members are those that a test adds.
final class TestSite: Sendable {
    static let openGroup: Int64 = 1
    static let secretGroup: Int64 = 2

    let data: SiteDatabase
    let secret: Secret
    let mails: Mails
    let site: Site
    let sent = Mutex<[MailMessage]>([])
    private let folder: Folder

    /// Removes the folder when the test has ended.
    private final class Folder: Sendable {
        let path: String

        init() {
            path = NSTemporaryDirectory() + "community-test-" + String(UInt64.random(in: .min ... .max), radix: 36)
        }

        deinit {
            do { try FileManager.default.removeItem(atPath: path) } catch { print("\(path) stays behind: \(error)") }
        }
    }

    init() async throws {
        folder = Folder()
        data = try await SiteDatabase(folder: folder.path)
        secret = try Secret(folder: folder.path)
        mails = try Mails(jobs: data.queue, secret: secret, address: "http://site.example")
        site = try Site(data: data, secret: secret, mails: mails)
        try await data.pool.write { db in
            try db.execute(
                sql: """
                    INSERT INTO groups (id, name, about, access, owner_id) VALUES
                    (1, 'Choir', '', 'open', 1), (2, 'Moderators', '', 'secret', 1)
                    """)
        }
    }

    // MARK: - Members

    @discardableResult
    func add(
        _ handle: String, address: String?? = .none, name: String? = nil, password: String = "-",
        groups: [Int64] = [TestSite.openGroup], _ choices: [(Kind, Rhythm)] = []
    ) async throws -> Member {
        try await data.pool.write { db in
            var member = Member(
                handle: handle, name: name ?? handle, address: address ?? "\(handle)@example.org", locale: "en",
                timeZone: "UTC", password: password, joinedAt: 0)
            try member.insert(db)
            for group in groups { try Group.join(group, member: member.number, db) }
            for (kind, rhythm) in choices { try Preferences.set(rhythm, kind, place: "", member.number, db) }
            return member
        }
    }

    func change(_ sql: String, _ arguments: StatementArguments = []) async throws {
        try await data.pool.write { try $0.execute(sql: sql, arguments: arguments) }
    }

    func value<Value: DatabaseValueConvertible & Sendable>(_ sql: String) async throws -> Value? {
        try await data.pool.read { try Value.fetchOne($0, sql: sql) }
    }

    // MARK: - Pages

    struct Answer: Sendable {
        let status: HTTPResponse.Status
        let text: String
    }

    func get(_ path: String, as member: Member) async throws -> Answer {
        let cookie = try await data.pool.write { try Sessions.begin(member.number, $0) }
        return try await answer(.get, path, cookie, "", from: "test")
    }

    /// - Parameter member: `nil`: a visitor.
    func post(
        _ path: String, _ fields: [String: String], as member: Member? = nil, from origin: String = "test"
    ) async throws -> Answer {
        var cookie = Secret.newToken()
        if let member { cookie = try await data.pool.write { try Sessions.begin(member.number, $0) } }
        let all = fields.merging(["token": secret.token(for: cookie, purpose: "form")]) { $1 }
        let form = all.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }.joined(separator: "&")
        return try await answer(.post, path, cookie, form, from: origin)
    }

    private func answer(
        _ method: HTTPRequest.Method, _ path: String, _ cookie: String, _ body: String, from origin: String
    ) async throws -> Answer {
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "site.example", path: path,
            headerFields: [.cookie: "\(Visitors.cookieName)=\(cookie)"])
        var context = PageContext(
            source: .init(channel: NIOAsyncTestingChannel(), logger: Logger(label: "test")))
        context.origin = origin
        let response = try await site.router().buildResponder().respond(
            to: Request(head: head, body: RequestBody(buffer: ByteBuffer(string: body))), context: context)
        let text = Mutex("")
        try await response.body.write(Collector { part in text.withLock { $0 += part } })
        return Answer(status: response.status, text: text.withLock { $0 })
    }

    private struct Collector: ResponseBodyWriter {
        let add: (String) -> Void

        mutating func write(_ buffer: ByteBuffer) { add(String(buffer: buffer)) }
        consuming func finish(_ trailingHeaders: HTTPFields?) {}
    }

    // MARK: - Jobs

    /// Fans the events out, and does nothing else.
    func fanOut() async throws {
        for (queue, options) in [
            (Mails.events, WorkerProcess.memberMails), (Mails.newsletters, WorkerProcess.newsletterMails),
        ] {
            var worker = Worker(data.queue, queues: [queue], options: Self.draining)
            notifications(options).register(in: &worker)
            // The newsletter's single mails are in the queue of its event. No test looks at them.
            worker.registerOthers { _ in }
            try await worker.run()
        }
    }

    /// Writes the mails that are due.
    func deliver() async throws {
        var worker = Worker(
            data.queue, queues: [Mails.urgent, Mails.notifications, Mails.newsletters], options: Self.draining)
        let notifications = notifications(WorkerProcess.memberMails)
        worker.registerOthers { [self] context in
            let message =
                context.queue == Mails.urgent
                ? try await mails.passwordMail(context, data) : try await notifications.message(for: context)
            if let message { sent.withLock { $0.append(message) } }
        }
        try await worker.run()
    }

    func notifications(_ options: NotificationOptions) -> Notifications<SiteSource> {
        Notifications(source: SiteSource(data: data, mails: mails), templates: mails.templates, options: options)
    }

    private static var draining: Worker.Options {
        var options = Worker.Options()
        options.drains = true
        return options
    }

    var firstMail: MailMessage? { sent.withLock { $0.first } }

    /// The addresses of those who have got a mail, in their order.
    var recipients: [String] { sent.withLock { $0.map { $0.to[0].address } }.sorted() }
}
