import Foundation
import StintNotifications

/// The words of all mails, in the languages of `Resources/mails`. A language without words of its own gets English.
enum MailTemplates {
    /// In place of the site's address in a layout, which also digests have.
    private static let sitePlace = "%SITE%"

    static func read(site: String) throws -> NotificationTemplates {
        let folder = try Resources.folder("mails")
        var templates: [String: String] = [:]
        var samples: [String: [String: NotificationValue]] = [:]
        for locale in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            for file in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(locale)") {
                let text = try Resources.text("mails/\(locale)/\(file)")
                if file.hasSuffix(".mustache") {
                    templates["\(locale)/\(file.dropLast(9))"] = text.replacing(sitePlace, with: site)
                } else if file.hasSuffix(".json") {
                    samples[String(file.dropLast(5))] = try JSONDecoder().decode(
                        [String: NotificationValue].self, from: Data(text.utf8))
                }
            }
        }
        return try NotificationTemplates(templates, samples: samples)
    }
}
