import Foundation
import Mustache
import StintCore

/// The templates of a locale, with those of more general locales that it does not have itself.
struct TemplateFolder: Sendable {
    let locale: LocaleTag
    /// Those with a subject here.
    private(set) var kinds: Set<String> = []
    private var libraries: [TemplatePart: MustacheLibrary] = [:]
    /// Of each template, with those that it includes.
    private var tags: [TemplateName: TemplateTags] = [:]
    /// Those of this folder itself.
    private var own: Set<TemplateName> = []

    private struct Parsed {
        var template: MustacheTemplate
        var tags: TemplateTags
        var title: String
    }

    /// - Returns: By ``LocaleTag/key``.
    static func all(of templates: [String: String], defaultKey: String) throws -> [String: TemplateFolder] {
        guard templates.count <= NotificationTemplates.maximumTemplates else {
            throw StintError.invalidInput(
                "there are \(templates.count) templates; at most \(NotificationTemplates.maximumTemplates) are allowed")
        }
        var tags: [String: LocaleTag] = [:]
        var parsed: [String: [TemplateName: Parsed]] = [:]
        for (title, text) in templates.sorted(by: { $0.key < $1.key }) {
            guard let slash = title.firstIndex(of: "/"), let tag = LocaleTag(String(title[..<slash])),
                let name = TemplateName(String(title[title.index(after: slash)...]))
            else {
                throw StintError.invalidInput(
                    "the template \(quoted(title)) has no name of a template: write it as "
                        + "LOCALE/KIND.subject, LOCALE/KIND.html or LOCALE/KIND.text, as in de/comment.posted.html")
            }
            tags[tag.key] = tags[tag.key] ?? tag
            parsed[tag.key, default: [:]][name] = try parse(title, name.part, text)
        }
        guard tags[defaultKey] != nil else {
            throw StintError.invalidInput(
                "there are no templates for the default locale '\(defaultKey)': add its folder, or name another default"
            )
        }
        var folders: [String: TemplateFolder] = [:]
        for (key, tag) in tags {
            let chain = ([defaultKey] + tag.fallbacks.reversed()).compactMap { parsed[$0] }
            let all = chain.reduce(into: [TemplateName: Parsed]()) { $0.merge($1) { $1 } }
            folders[key] = try TemplateFolder(tag, all, own: Set(parsed[key, default: [:]].keys))
        }
        let known = folders[defaultKey]?.kinds ?? []
        for folder in folders.values {
            if let kind = folder.kinds.subtracting(known).min() {
                throw StintError.invalidInput(
                    "the kind '\(kind)' has templates for '\(folder.locale)' and none for the default locale "
                        + "'\(defaultKey)': members of other locales would get nothing, so add them")
            }
        }
        return folders
    }

    private init(_ locale: LocaleTag, _ templates: [TemplateName: Parsed], own: Set<TemplateName>) throws {
        self.locale = locale
        self.own = own
        for part in TemplatePart.allCases { libraries[part] = MustacheLibrary() }
        for (name, parsed) in templates {
            libraries[name.part]?.register(parsed.template, named: name.name)
            var path: [String] = []
            tags[name] = try Self.tags(name, templates, &path)
        }
        for name in own where name.part == .subject && !name.name.hasSuffix(TemplateName.itemSuffix) {
            guard own.contains(where: { $0.name == name.name && $0.part != .subject }) else {
                throw StintError.invalidInput(
                    "the template '\(locale)/\(name.name).subject' has no words beside it: add "
                        + "'\(locale)/\(name.name).html' or '.text'")
            }
            kinds.insert(name.name)
        }
    }

    private static func parse(_ title: String, _ part: TemplatePart, _ text: String) throws -> Parsed {
        guard text.utf8.count <= NotificationTemplates.maximumTemplateBytes else {
            throw StintError.invalidInput(
                "the template '\(title)' has \(text.utf8.count) bytes; at most "
                    + "\(NotificationTemplates.maximumTemplateBytes) are allowed")
        }
        let text = text.replacing("\r\n", with: "\n")
        let tags = TemplateTags(text)
        if let refused = tags.refused.first {
            throw StintError.invalidInput("the template '\(title)' has a tag that is not allowed: \(refused)")
        }
        // Each says what it is, since a partial does not get it from the template that includes it.
        let type = part == .html ? NotificationHTML.name : "TEXT"
        do {
            let template = try MustacheTemplate(string: "{{% CONTENT_TYPE:\(type)}}\n" + text)
            return Parsed(template: template, tags: tags, title: title)
        } catch let error as MustacheTemplate.ParserError {
            throw StintError.invalidInput(
                "the template '\(title)' cannot be read, line \(error.context.lineNumber - 1), column "
                    + "\(error.context.columnNumber): \(words(error.error))")
        } catch {
            throw StintError.invalidInput("the template '\(title)' cannot be read: \(error)")
        }
    }

    private static func words(_ error: any Error) -> String {
        // The parser's own error, whose type is not public.
        if "\(error)" == "overflow" { return "the template ends in the middle of a tag: add }}" }
        return switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "this closes another section than the one that is open"
        case .unfinishedName: "the tag does not end, or its name is not allowed: write {{name}}"
        case .expectedSectionEnd: "a section is not closed: add {{/name}}"
        case .transformAppliedToInheritanceSection: "a block has a plain name: write {{$name}}"
        case .illegalTokenInsideInheritSection:
            "between {{<layout}} and {{/layout}} only blocks are allowed: {{$name}}…{{/name}}"
        case .textInsideInheritSection: "between {{<layout}} and {{/layout}} only blocks are allowed, and no text"
        case .invalidSetDelimiter, .invalidConfigVariableSyntax, .unrecognisedConfigVariable, nil:
            "\(error)"
        }
    }

    /// The tags of a template and of all that it includes.
    private static func tags(
        _ name: TemplateName, _ templates: [TemplateName: Parsed], _ path: inout [String]
    ) throws -> TemplateTags {
        guard let parsed = templates[name] else { return TemplateTags("") }
        path.append(name.name)
        defer { path.removeLast() }
        var tags = parsed.tags
        for partial in parsed.tags.partials.sorted() {
            let included = TemplateName(name: partial, part: name.part)
            guard templates[included] != nil else {
                throw StintError.invalidInput(
                    "the template '\(parsed.title)' includes '\(partial)', and there is no '\(partial).\(name.part)': add "
                        + "it to the same folder or to the default locale's")
            }
            guard !path.contains(partial) else {
                throw StintError.invalidInput(
                    "the template '\(parsed.title)' includes itself: \((path + [partial]).joined(separator: " → "))")
            }
            guard path.count < 20 else {
                throw StintError.invalidInput("the template '\(parsed.title)' is included more than 20 levels deep")
            }
            tags.add(try Self.tags(included, templates, &path))
        }
        return tags
    }

    /// Whether this folder itself has the part.
    func has(_ name: String, _ part: TemplatePart) -> Bool { own.contains(TemplateName(name: name, part: part)) }

    func categories(_ name: String, _ part: TemplatePart) -> Set<PluralCategory> {
        tags[TemplateName(name: name, part: part)]?.categories ?? []
    }

    func render(_ name: String, _ part: TemplatePart, _ root: ObjectView) -> String {
        libraries[part]?.render(root, withTemplate: name) ?? ""
    }
}

extension TemplateName {
    init(name: String, part: TemplatePart) {
        self.name = name
        self.part = part
    }
}
