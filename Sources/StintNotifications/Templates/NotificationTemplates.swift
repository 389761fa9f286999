import Foundation
import Mustache
import StintCore

/// The words of notifications: mustache templates in folders by locale.
///
///     templates/en/layout.html.mustache
///     templates/en/comment.posted.subject.mustache    one line
///     templates/en/comment.posted.html.mustache       {{<layout}}{{$content}}…{{/content}}{{/layout}}
///     templates/en/comment.posted.text.mustache       made from the HTML if there is none
///     templates/en/comment.posted.item.html.mustache  the event in a digest; its subject if there is none
///     templates/en/digest.subject.mustache            digests: {{#items}}{{{item}}}{{/items}}
///     templates/de/…
///     templates/samples/comment.posted.json           values for previews
///
/// A member of the locale `pt-BR` gets the templates of `pt-BR`, else of `pt`, else of the default locale: all parts of one
/// mail from the same folder. Layouts and partials that a folder does not have come from the next one.
public struct NotificationTemplates: Sendable {
    /// The most bytes of one template.
    public static let maximumTemplateBytes = 256 * 1_024
    /// The most templates.
    public static let maximumTemplates = 10_000
    /// The most bytes of a part of a mail.
    public static let maximumRenderedBytes = 1_024 * 1_024
    /// The longest subject, in bytes. Longer ones are cut.
    public static let maximumSubjectBytes = 500

    public let defaultLocale: String
    /// By ``LocaleTag/key``.
    let folders: [String: TemplateFolder]
    let samples: [String: [String: NotificationValue]]
    private let knownLocales = KnownLocales()
    private let defaultKey: String

    /// All templates of a folder, and the sample data in its subfolder `samples`.
    ///
    /// - Throws: ``StintCore/StintError`` with the code `invalidInput` that names the file, the line and what is wrong.
    public init(folder: String, defaultLocale: String = "en") throws {
        let found = try TemplateFiles.read(folder)
        try self.init(found.templates, defaultLocale: defaultLocale, samples: found.samples)
    }

    /// - Parameters:
    ///   - templates: By their names, such as `de/comment.posted.html`.
    ///   - samples: The values of previews, by kind.
    /// - Throws: ``StintCore/StintError`` with the code `invalidInput` that names the template, the line and what is wrong.
    public init(
        _ templates: [String: String], defaultLocale: String = "en",
        samples: [String: [String: NotificationValue]] = [:]
    ) throws {
        MustacheContentTypes.register(NotificationHTML(), named: NotificationHTML.name)
        guard let tag = LocaleTag(defaultLocale) else {
            throw StintError.invalidInput(
                "the default locale \(quoted(defaultLocale)) is none: write it as en or pt-BR")
        }
        self.defaultLocale = tag.description
        defaultKey = tag.key
        self.samples = samples
        folders = try TemplateFolder.all(of: templates, defaultKey: tag.key)
    }

    /// The kinds that have templates.
    public var kinds: [String] { folders[defaultKey]?.kinds.sorted() ?? [] }
    /// The locales that have templates.
    public var locales: [String] { folders.values.map(\.locale.description).sorted() }

    /// The folder for a locale and kind, and the locale in which values are written: the member's if it is the folder's
    /// language, else the folder's.
    func folder(_ kind: String, _ locale: String) -> (folder: TemplateFolder, locale: String)? {
        let tag = knownLocales.tag(locale)
        for key in (tag?.fallbacks ?? []) + [defaultKey] {
            guard let folder = folders[key], folder.kinds.contains(kind) else { continue }
            let written = tag.flatMap { $0.language == folder.locale.language ? $0 : nil } ?? folder.locale
            return (folder, written.description)
        }
        return nil
    }

    /// - Parameter timeZone: The name of a time zone; UTC if the system has none of this name.
    func formats(locale: String, timeZone: String) -> LocaleFormats {
        knownLocales.formats(locale: locale, timeZone: timeZone)
    }
}

/// A notification in words.
public struct NotificationText: Sendable, Hashable {
    /// The locale in which it is written.
    public var locale: String
    public var subject: String
    public var html: String?
    public var text: String
}
