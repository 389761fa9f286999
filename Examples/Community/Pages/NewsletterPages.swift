import GRDB
import Hummingbird

extension Site {
    func addNewsletter(_ router: RouterGroup<PageContext>) {
        get(router, "/newsletter") { request, context, member in
            try onlyAdmins(member)
            return try await newsletterPage(context, member, notice: notice(request))
        }
        post(router, "/newsletter") { form, context, member in
            try onlyAdmins(member)
            let subject = try form.text("subject", called: "The subject", most: 200)
            let body = try form.text("body", called: "The text", most: 50_000)
            guard form.optional("do") == "send" else {
                return try await newsletterPage(context, member, subject: subject, body: body)
            }
            _ = try await data.pool.write { try writing.newsletter(by: member, subject: subject, body: body, $0) }
            return to("/newsletter?done=sent")
        }
    }

    func onlyAdmins(_ member: Member) throws {
        guard member.isAdmin else { throw PageError.missing }
    }

    private func newsletterPage(
        _ context: PageContext, _ member: Member, subject: String = "", body: String = "", notice: String? = nil
    ) async throws -> Response {
        var view = try await data.pool.read { db -> View in
            [
                "subject": subject, "body": body,
                "count": "\(try Int.fetchOne(db, sql: "SELECT count(*) FROM members WHERE deleted_at IS NULL") ?? 0)",
                "sent": try Row.fetchAll(db, sql: "SELECT * FROM newsletters ORDER BY id DESC LIMIT 20").map {
                    ["subject": $0["subject"] as String, "time": Text.time($0["created_at"], for: member)]
                },
            ]
        }
        if !body.isEmpty { view["preview"] = try mails.preview(newsletter: subject, body, for: member) }
        return pages.page("Newsletter", "newsletter", view, context, section: "/newsletter", notice: notice)
    }
}
