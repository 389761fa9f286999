import Foundation
import StintNotifications

/// What admins look at before it is sent.
extension Mails {
    var templateNames: [String] { templates.kinds }

    func preview(newsletter subject: String, _ body: String, for member: Member) throws -> View {
        let contents = Contents(
            kind: .newsletter, actor: member, member: member, mails: self, date: .now)
        let words = try templates.render(
            Kind.newsletter.rawValue, locale: member.locale, timeZone: member.timeZone,
            Contents.newsletter(subject, body, contents.values([:])))
        return view(words, ["name": member.name])
    }

    /// With sample data. What is missing in a template is shown in place of the mail.
    func preview(_ kind: String, locale: String) -> View {
        do {
            return view(try templates.preview(kind, locale: locale, timeZone: "Europe/Berlin"), [:])
        } catch {
            return ["subject": "This template is not right", "html": "", "text": "\(error)"]
        }
    }

    private func view(_ words: NotificationText, _ more: View) -> View {
        let view: View = ["subject": words.subject, "html": words.html ?? "", "text": words.text]
        return view.merging(more) { $1 }
    }
}
