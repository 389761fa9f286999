import Foundation
import GRDB
import Hummingbird
import Mustache

/// What a template is filled with.
typealias View = [String: any Sendable]

/// The pages' HTML. All that is filled in is escaped, but what is `…HTML` by name.
struct PageTemplates: Sendable {
    private let library: MustacheLibrary
    private let style: String
    private let secret: Secret

    init(secret: Secret) throws {
        MustacheContentTypes.register(EscapedText(), named: "COMMUNITY")
        var library = MustacheLibrary()
        let folder = try Resources.folder("pages")
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".mustache") {
            let text = try Resources.text("pages/\(file)")
            library.register(
                try MustacheTemplate(string: "{{% CONTENT_TYPE:COMMUNITY}}" + text),
                named: String(file.dropLast(".mustache".count)))
        }
        self.library = library
        self.secret = secret
        style = try Resources.text("community.css")
    }

    var stylesheet: Response {
        Response(
            status: .ok, headers: [.contentType: "text/css; charset=utf-8", .cacheControl: "max-age=60"],
            body: .init(byteBuffer: ByteBuffer(string: style)))
    }

    func page(
        _ title: String, _ template: String, _ view: View, _ context: PageContext, section: String = "",
        notice: String? = nil, status: HTTPResponse.Status = .ok
    ) -> Response {
        var view = view
        view["token"] = formToken(context)
        let content = library.render(view, withTemplate: template) ?? ""
        var layout: View = ["title": title, "contentHTML": content, "token": formToken(context)]
        layout["notice"] = notice
        if let member = context.member {
            layout["member"] = ["name": member.name, "handle": member.handle, "initial": Text.initial(member.name)]
            layout["sections"] = Self.sections.filter { !$0.isForAdmins || member.isAdmin }
                .map { ["href": $0.path, "title": $0.title, "current": $0.path == section] as View }
        }
        return Self.html(library.render(layout, withTemplate: "layout") ?? "", status: status)
    }

    func message(_ text: String, status: HTTPResponse.Status, _ context: PageContext) -> Response {
        page(status == .ok ? "Community" : "Not possible", "message", ["text": text], context, status: status)
    }

    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// Ties the forms of a page to the browser that it was shown in.
    func formToken(_ context: PageContext) -> String { secret.token(for: context.cookie, purpose: "form") }

    private static let sections: [(path: String, title: String, isForAdmins: Bool)] = [
        ("/", "News", false), ("/groups", "Groups", false), ("/members", "Members", false),
        ("/preferences", "Mail to me", false), ("/newsletter", "Newsletter", true), ("/templates", "Templates", true),
    ]
}

/// Escapes by scalars: the library's own goes by characters, and leaves `<` if a combining mark follows it.
struct EscapedText: MustacheContentType {
    func escapeText(_ text: String) -> String { Text.escaped(text) }
}
