import GRDB
import Hummingbird

extension Site {
    func addPosts(_ router: RouterGroup<PageContext>) {
        get(router, "/") { request, context, member in
            let posts = try await data.pool.read { db in
                try postViews(
                    where: "posts.group_id IN (SELECT group_id FROM memberships WHERE member_id = \(member.number))",
                    most: 30, for: member, db)
            }
            var view: View = ["posts": posts]
            view["mailOff"] = member.mailOff
            return pages.page("News", "home", view, context, section: "/", notice: notice(request))
        }
        post(router, "/groups/:id/posts") { form, context, member in
            let title = try form.text("title", called: "The title", most: Post.longestTitle)
            let body = try form.text("body", called: "The text", most: Post.longestBody)
            let id = try await data.pool.write { db in
                let group = try known(context, member, db)
                guard try Access.mayWrite(in: group, member, db) else { throw PageError.missing }
                return try writing.post(in: group, by: member, title: title, body: body, db).number
            }
            return to("/posts/\(id)?done=posted")
        }
        get(router, "/posts/:id") { request, context, member in
            let view = try await data.pool.read { db in
                try postPage(try readable(context, member, db), member, db)
            }
            return pages.page(
                view["title"] as? String ?? "", "post", view, context, notice: notice(request))
        }
        post(router, "/posts/:id/comments") { form, context, member in
            let body = try form.text("body", called: "The comment", most: Comment.longestBody)
            let id = try await data.pool.write { db in
                let post = try readable(context, member, db)
                guard try Access.mayComment(on: post, member, db) else { throw PageError.missing }
                try writing.comment(on: post, by: member, body: body, db)
                return post.number
            }
            return to("/posts/\(id)?done=commented")
        }
        post(router, "/posts/:id/like") { _, context, member in
            let id = try await data.pool.write { db in
                let post = try readable(context, member, db)
                _ = try writing.like(post, by: member, db)
                return post.number
            }
            return to("/posts/\(id)")
        }
        post(router, "/posts/:id/delete") { _, context, member in
            let group = try await data.pool.write { db in
                let post = try readable(context, member, db)
                guard try Access.mayDelete(post, member, db) else { throw PageError.missing }
                try writing.delete(post, db)
                return post.groupId
            }
            return to("/groups/\(group)?done=deleted")
        }
    }

    private func readable(_ context: PageContext, _ member: Member, _ db: Database) throws -> Post {
        guard let post = try Post.find(context.number("id"), db), try Access.mayRead(post, member, db) else {
            throw PageError.missing
        }
        return post
    }

    func postViews(
        where condition: String, most: Int, for member: Member, _ db: Database
    ) throws -> [View] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT posts.*, members.name AS author, members.handle AS handle, groups.name AS group_name,
                    (SELECT count(*) FROM comments WHERE post_id = posts.id AND comments.deleted_at IS NULL) AS comments,
                    (SELECT count(*) FROM likes WHERE post_id = posts.id) AS likes
                FROM posts JOIN groups ON groups.id = posts.group_id
                LEFT JOIN members ON members.id = posts.author_id AND members.deleted_at IS NULL
                WHERE posts.deleted_at IS NULL AND \(condition) ORDER BY posts.id DESC LIMIT \(most)
                """)
        return rows.map { row in
            let body: String = row["body"]
            var view = authorView(name: row["author"], handle: row["handle"])
            view["id"] = "\(row["id"] as Int64)"
            view["title"] = row["title"] as String
            view["excerpt"] = body.count > 280 ? String(body.prefix(280)) + "…" : body
            view["time"] = Text.time(row["created_at"], for: member)
            view["group"] = row["group_name"] as String
            view["groupID"] = "\(row["group_id"] as Int64)"
            view["comments"] = "\(row["comments"] as Int)"
            view["likes"] = "\(row["likes"] as Int)"
            return view
        }
    }

    /// A member who was deleted has no name any more.
    private func authorView(name: String?, handle: String?) -> View {
        var view: View = ["author": name ?? "a former member", "initial": Text.initial(name ?? "")]
        view["handle"] = handle
        return view
    }

    private func postPage(_ post: Post, _ member: Member, _ db: Database) throws -> View {
        guard var view = try postViews(where: "posts.id = \(post.number)", most: 1, for: member, db).first else {
            throw PageError.missing
        }
        view["bodyHTML"] = Text.paragraphs(post.body)
        view["mayComment"] = try Access.mayComment(on: post, member, db)
        view["mayDelete"] = try Access.mayDelete(post, member, db)
        view["isLiked"] =
            try Row.fetchOne(
                db, sql: "SELECT 1 FROM likes WHERE post_id = ? AND member_id = ?",
                arguments: [post.number, member.number]) != nil
        view["thread"] = try Row.fetchAll(
            db,
            sql: """
                SELECT comments.*, members.name AS author, members.handle AS handle FROM comments
                LEFT JOIN members ON members.id = author_id AND members.deleted_at IS NULL
                WHERE post_id = ? AND comments.deleted_at IS NULL ORDER BY comments.id
                """, arguments: [post.number]
        ).map { row in
            var comment = authorView(name: row["author"], handle: row["handle"])
            comment["textHTML"] = Text.paragraphs(row["body"])
            comment["time"] = Text.time(row["created_at"], for: member)
            comment["byMail"] = (row["mail_id"] as String?) != nil
            return comment
        }
        return view
    }
}
