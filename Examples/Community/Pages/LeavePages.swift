import GRDB
import Hummingbird

/// The link in each mail that ends mails of its kind, for the one who has got the mail. It asks before it changes anything,
/// since programs that look into mails open links too.
extension Site {
    func addLeaving(_ router: RouterGroup<PageContext>) {
        router.get("/leave") { request, context -> Response in
            let query = request.uri.queryParameters
            let fields = ["member", "kind", "token"].reduce(into: [:]) { $0[$1] = String(query[Substring($1)] ?? "") }
            let (_, kind) = try leaver(fields)
            let view: View = [
                "kind": kind.rawValue, "member": fields["member"] ?? "", "link": fields["token"] ?? "",
            ]
            return pages.page("No more mails", "leave", view, context)
        }
        router.post("/leave") { request, context -> Response in
            let form = try await form(request, context)
            let (member, kind) = try leaver([
                "member": form.optional("member"), "kind": form.optional("kind"), "token": form.optional("link"),
            ])
            try await data.pool.write { db in
                // In every place, or a choice for one group would still bring some.
                try db.execute(
                    sql: "DELETE FROM preferences WHERE member_id = ? AND kind = ?", arguments: [member, kind.rawValue])
                try Preferences.set(.never, kind, place: "", member, db)
            }
            return pages.message("You get no more mails of this kind.", status: .ok, context)
        }
    }

    private func leaver(_ fields: [String: String]) throws -> (Int64, Kind) {
        guard let member = Int64(fields["member"] ?? ""), let kind = Kind(rawValue: fields["kind"] ?? ""),
            mails.isLeaveAddress(kind, member, token: fields["token"] ?? "")
        else { throw PageError.refused("This link is not complete: copy all of it.") }
        return (member, kind)
    }
}
