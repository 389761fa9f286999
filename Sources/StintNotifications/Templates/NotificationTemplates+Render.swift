import Foundation
import StintCore

extension NotificationTemplates {
    /// A kind's words with these values. Names that the values do not have are empty.
    ///
    /// - Throws: ``StintCore/StintError`` with the code `invalidInput` for a kind without templates, or more than
    ///   ``maximumRenderedBytes``.
    public func render(
        _ kind: String, locale: String, timeZone: String, _ values: [String: NotificationValue]
    ) throws -> NotificationText {
        try words(kind, locale: locale, timeZone: timeZone, values).text
    }

    /// A kind's words with sample data, to look at. As for a member, but what a member would see as a gap is an error.
    ///
    /// - Parameter sample: `nil`: the sample data with which the templates were read.
    /// - Throws: ``StintCore/StintError`` with the code `invalidInput` that names the values which the templates have and
    ///   the sample does not, or the plurals which a language has and the templates have no words for.
    public func preview(
        _ kind: String, locale: String, timeZone: String = "UTC", sample: [String: NotificationValue]? = nil
    ) throws -> NotificationText {
        guard let sample = sample ?? samples[kind] else {
            throw StintError.invalidInput(
                "there is no sample data for '\(kind)': add samples/\(kind).json, or give some")
        }
        let defaults: [String: NotificationValue] = [
            "recipient": ["name": "Ada Lovelace", "address": "ada@example.org"],
            "unsubscribe": "https://example.org/unsubscribe",
        ]
        let (text, missing) = try words(
            kind, locale: locale, timeZone: timeZone, defaults.merging(sample) { $1 })
        if !missing.isEmpty {
            throw StintError.invalidInput(
                "the templates of '\(kind)' for '\(text.locale)' show values that the sample data does not have: "
                    + "\(missing.sorted().joined(separator: ", ")). Correct the names, or add them to the sample (as null "
                    + "if there may be none)")
        }
        try checkPlurals(kind, locale: locale)
        return text
    }

    /// - Throws: If the templates have words for some of a language's plurals and not for others.
    private func checkPlurals(_ kind: String, locale: String) throws {
        guard let (folder, written) = folder(kind, locale) else { return }
        let needed = PluralRules.of(written).categories.union([.other])
        for part in TemplatePart.allCases {
            let has = folder.categories(kind, part)
            let missing = needed.subtracting(has)
            if !has.isEmpty, !missing.isEmpty {
                throw StintError.invalidInput(
                    "the template '\(folder.locale)/\(kind).\(part)' has words for \(Self.list(has)), and the plurals of "
                        + "'\(written)' are \(Self.list(needed)): add {{#\(Self.list(missing))}}")
            }
        }
    }

    private static func list(_ categories: Set<PluralCategory>) -> String {
        PluralCategory.allCases.filter(categories.contains).map(\.rawValue).joined(separator: ", ")
    }

    /// - Parameter textValues: Those of the plain text if they are others.
    /// - Returns: The names that the templates have and the values have not, too.
    func words(
        _ kind: String, locale: String, timeZone: String, _ values: [String: NotificationValue],
        text textValues: [String: NotificationValue]? = nil
    ) throws -> (text: NotificationText, missing: Set<String>) {
        guard let (folder, written) = folder(kind, locale) else {
            throw StintError.invalidInput(
                "there are no templates for the kind '\(kind)': add '\(defaultLocale)/\(kind).subject' and '.html' or "
                    + "'.text'; there are \(kinds.joined(separator: ", "))")
        }
        let formats = formats(locale: written, timeZone: timeZone)
        let language: [String: NotificationValue] = [
            "lang": .text(written), "dir": .text(Self.isRightToLeft(written) ? "rtl" : "ltr"),
        ]
        let values = values.merging(language) { old, _ in old }
        let textValues = textValues?.merging(language) { old, _ in old }
        var missing: Set<String> = []
        func render(_ part: TemplatePart) throws -> String {
            let rendering = Rendering(formats, categories: folder.categories(kind, part))
            let values = (part == .text ? textValues : nil) ?? values
            let text = folder.render(kind, part, ObjectView(values: values, rendering: rendering, isRoot: true))
            rendering.finish()
            missing.formUnion(rendering.missing)
            guard text.utf8.count <= Self.maximumRenderedBytes else {
                throw StintError.invalidInput(
                    "the notification '\(kind)' has \(text.utf8.count) bytes of \(part); at most "
                        + "\(Self.maximumRenderedBytes) are allowed: give its templates less")
            }
            return text
        }
        let subject = Self.line(try render(.subject))
        let html = folder.has(kind, .html) ? try render(.html) : nil
        let text = folder.has(kind, .text) ? try render(.text) : TextFromHTML.text(html ?? "")
        return (NotificationText(locale: written, subject: subject, html: html, text: text), missing)
    }

    /// An event in a digest: the words of its `item` templates, or its subject.
    func item(
        _ kind: String, locale: String, timeZone: String, _ values: [String: NotificationValue]
    ) throws -> (html: String, text: String) {
        guard let (folder, written) = folder(kind, locale) else {
            throw StintError.invalidInput("there are no templates for the kind '\(kind)'")
        }
        let formats = formats(locale: written, timeZone: timeZone)
        func render(_ name: String, _ part: TemplatePart) -> String? {
            guard folder.has(name, part) else { return nil }
            let rendering = Rendering(formats, categories: folder.categories(name, part))
            return folder.render(name, part, ObjectView(values: values, rendering: rendering, isRoot: true))
        }
        let item = kind + TemplateName.itemSuffix
        let html = render(item, .html)
        let text = render(item, .text)
        guard html == nil || text == nil else { return (html ?? "", text ?? "") }
        if let html { return (html, TextFromHTML.text(html)) }
        let words = text ?? Self.line(render(kind, .subject) ?? "")
        return ("<p>\(NotificationHTML.escaped(words))</p>", words)
    }

    /// A text as one line, cut to what a subject may have.
    static func line(_ text: String) -> String {
        if text.utf8.count <= maximumSubjectBytes, isLine(text) { return text }
        let words = text.unicodeScalars.split {
            $0.properties.isWhitespace || $0.properties.generalCategory == .control
                || $0.properties.generalCategory == .lineSeparator
                || $0.properties.generalCategory == .paragraphSeparator
        }
        let line = words.map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
        guard line.utf8.count > maximumSubjectBytes else { return line }
        var cut = line.prefix(maximumSubjectBytes)
        while cut.utf8.count > maximumSubjectBytes - 3 { cut.removeLast() }
        return cut + "…"
    }

    /// Whether it is of ASCII, without control characters and with single spaces between words.
    private static func isLine(_ text: String) -> Bool {
        var previous: UInt8 = 0x20
        let isPlain = text.utf8.allSatisfy { byte in
            defer { previous = byte }
            return (0x20...0x7E).contains(byte) && (byte != 0x20 || previous != 0x20)
        }
        return isPlain && (text.isEmpty || previous != 0x20)
    }

    private static let rightToLeft: Set<String> = ["ar", "he", "fa", "ur", "yi", "ps", "sd", "ug", "dv", "ckb", "ku"]

    private static func isRightToLeft(_ locale: String) -> Bool {
        rightToLeft.contains(String(locale.prefix { $0 != "-" }).lowercased())
    }
}
