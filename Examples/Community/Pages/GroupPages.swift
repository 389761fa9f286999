import GRDB
import Hummingbird

extension Site {
    func addGroups(_ router: RouterGroup<PageContext>) {
        get(router, "/groups") { request, context, member in
            let groups = try await data.pool.read { db in
                try Group.fetchAll(db, sql: "SELECT * FROM groups ORDER BY id")
                    .filter { try Access.mayKnow(of: $0, member, db) }
                    .map { try groupView($0, member, db) }
            }
            return pages.page(
                "Groups", "groups", ["groups": groups], context, section: "/groups", notice: notice(request))
        }
        get(router, "/groups/:id") { request, context, member in
            let view = try await data.pool.read { db in try groupPage(try known(context, member, db), member, db) }
            return pages.page(
                view.name, "group", view.fields, context, section: "/groups", notice: notice(request))
        }
        post(router, "/groups/:id/join") { _, context, member in
            let (id, done) = try await data.pool.write { db in
                let group = try known(context, member, db)
                if try Group.has(group.number, member: member.number, db) { return (group.number, "joined") }
                switch group.access {
                case .open: try Group.join(group.number, member: member.number, db)
                case .closed: try writing.askToJoin(group, member, db)
                case .secret: throw PageError.missing
                }
                return (group.number, group.access == .open ? "joined" : "asked")
            }
            return to("/groups/\(id)?done=\(done)")
        }
        post(router, "/groups/:id/leave") { _, context, member in
            try await data.pool.write { db in
                let group = try known(context, member, db)
                guard group.ownerId != member.number else {
                    throw PageError.refused("You own this group, so you cannot leave it.")
                }
                try Group.leave(group.number, member: member.number, db)
            }
            return to("/groups?done=left")
        }
        post(router, "/groups/:id/let-in") { form, context, member in
            let name = try form.text("name", called: "The name", most: 100)
            let id = try await data.pool.write { db in
                let group = try known(context, member, db)
                guard group.ownerId == member.number else { throw PageError.missing }
                guard let guest = try Member.find(named: name, db) else {
                    throw PageError.refused("There is no member '\(name)'.")
                }
                try Group.join(group.number, member: guest.number, db)
                return group.number
            }
            return to("/groups/\(id)?done=let-in")
        }
    }

    /// - Throws: ``PageError`` if there is no such group, or this member may not know of it.
    func known(_ context: PageContext, _ member: Member, _ db: Database) throws -> Group {
        guard let group = try Group.find(context.number("id"), db), try Access.mayKnow(of: group, member, db) else {
            throw PageError.missing
        }
        return group
    }

    private func groupView(_ group: Group, _ member: Member, _ db: Database) throws -> View {
        let isIn = try Group.has(group.number, member: member.number, db)
        let count = try Int.fetchOne(
            db, sql: "SELECT count(*) FROM memberships WHERE group_id = ?", arguments: [group.number])
        return [
            "id": "\(group.number)", "name": group.name, "about": group.about, "access": group.access.rawValue,
            "isIn": isIn, "count": "\(count ?? 0)",
        ]
    }

    private func groupPage(_ group: Group, _ member: Member, _ db: Database) throws -> (name: String, fields: View) {
        var view = try groupView(group, member, db)
        let isIn = try Group.has(group.number, member: member.number, db)
        let isOwner = group.ownerId == member.number
        let hasAsked =
            try Row.fetchOne(
                db, sql: "SELECT 1 FROM requests WHERE group_id = ? AND member_id = ?",
                arguments: [group.number, member.number]) != nil
        view["mayJoin"] = !isIn && group.access == .open
        view["mayAsk"] = !isIn && group.access == .closed && !hasAsked
        view["hasAsked"] = hasAsked
        view["mayLeave"] = isIn && !isOwner
        view["mayWrite"] = isIn
        view["isOwner"] = isOwner
        view["mayRead"] = Access.mayRead(group, isIn: isIn)
        if isOwner {
            view["requests"] = try Member.fetchAll(
                db,
                sql: """
                    SELECT members.* FROM requests JOIN members ON members.id = member_id
                    WHERE group_id = ? AND deleted_at IS NULL ORDER BY asked_at
                    """, arguments: [group.number]
            ).map { ["handle": $0.handle, "name": $0.name] }
        }
        if Access.mayRead(group, isIn: isIn) {
            view["posts"] = try postViews(
                where: "posts.group_id = \(group.number)", most: 50, for: member, db)
        }
        return (group.name, view)
    }
}
