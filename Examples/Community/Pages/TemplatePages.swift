import Hummingbird

extension Site {
    func addTemplates(_ router: RouterGroup<PageContext>) {
        get(router, "/templates") { request, context, member in
            try onlyAdmins(member)
            let kind = String(request.uri.queryParameters["kind"] ?? "post")
            let locale = String(request.uri.queryParameters["locale"] ?? "en")
            func options(_ values: [String], _ now: String) -> [View] {
                values.map { ["value": $0, "title": $0, "isChosen": $0 == now] }
            }
            var view: View = [
                "kinds": options(mails.templateNames, kind),
                "locales": options(Seeds.languages.map(\.locale), locale),
            ]
            view["preview"] = mails.preview(kind, locale: locale)
            return pages.page("Templates", "templates", view, context, section: "/templates")
        }
    }
}
