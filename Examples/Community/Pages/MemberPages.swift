import Foundation
import GRDB
import Hummingbird

extension Site {
    private static let pageSize = 60

    func addMembers(_ router: RouterGroup<PageContext>) {
        get(router, "/members") { request, context, _ in
            let search = String(request.uri.queryParameters["search"] ?? "").prefix(100)
            let page = min(100_000, max(0, request.uri.queryParameters["page"].flatMap { Int($0) } ?? 0))
            let (members, count) = try await data.pool.read { db in
                let condition =
                    "deleted_at IS NULL AND (?1 = '' OR instr(lower(name), lower(?1)) OR instr(handle, lower(?1)))"
                let members = try Member.fetchAll(
                    db,
                    sql: "SELECT * FROM members WHERE \(condition) ORDER BY id LIMIT \(Self.pageSize) OFFSET ?2",
                    arguments: [String(search), page * Self.pageSize])
                let count = try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM members WHERE \(condition)", arguments: [String(search)])
                return (members, count ?? 0)
            }
            var view: View = [
                "search": String(search), "count": "\(count)",
                "query": search.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "",
            ]
            view["members"] = members.map { member in
                [
                    "name": member.name, "handle": member.handle, "initial": Text.initial(member.name),
                    "locale": member.locale, "timeZone": member.timeZone,
                ]
            }
            if page > 0 { view["previous"] = "\(page - 1)" }
            if (page + 1) * Self.pageSize < count { view["next"] = "\(page + 1)" }
            return pages.page("Members", "members", view, context, section: "/members")
        }
        get(router, "/members/:name") { _, context, member in
            let name = context.parameters.get("name") ?? ""
            let view = try await data.pool.read { db -> View in
                guard let shown = try Member.find(named: "@" + name, db) else { throw PageError.missing }
                return [
                    "name": shown.name, "handle": shown.handle, "initial": Text.initial(shown.name),
                    "locale": shown.locale, "timeZone": shown.timeZone,
                    "joined": Text.time(shown.joinedAt, for: member),
                    // Groups that the reader may know of.
                    "groups": try Group.of(shown, db).filter { try Access.mayKnow(of: $0, member, db) }.map {
                        ["id": "\($0.number)", "name": $0.name, "access": $0.access.rawValue]
                    },
                ]
            }
            return pages.page(view["name"] as? String ?? "", "member", view, context, section: "/members")
        }
    }
}
