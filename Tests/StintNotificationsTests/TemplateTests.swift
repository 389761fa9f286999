import Foundation
import StintCore
import StintNotifications
import TestSupport
import Testing

@Suite("Templates")
struct TemplateTests {
    private func templates(_ more: [String: String] = [:]) throws -> NotificationTemplates {
        try NotificationTemplates(
            [
                "en/layout.html":
                    "<html lang=\"{{lang}}\" dir=\"{{dir}}\"><body>{{$content}}{{/content}}<p>Bye</p></body></html>",
                "en/k.subject": "New: {{title}}",
                "en/k.html": "{{<layout}}\n{{$content}}<p>{{title}} {{date}}</p>{{/content}}\n{{/layout}}",
                "pt/layout.html": "<html lang=\"{{lang}}\"><body>{{$content}}{{/content}}<p>Tchau</p></body></html>",
                "pt/k.subject": "Novo: {{title}}",
                "pt/k.html": "{{<layout}}{{$content}}<p>{{title}}</p>{{/content}}{{/layout}}",
                "pt-BR/layout.html": "<html><body>{{$content}}{{/content}}<p>Valeu</p></body></html>",
                "ar/k.subject": "{{title}}", "ar/k.text": "{{title}} {{dir}}",
            ].merging(more) { $1 })
    }

    private let values: [String: NotificationValue] = [
        "title": "<b>A & B</b>", "date": .date(Date(timeIntervalSince1970: 1_800_000_000)),
    ]

    @Test("values are escaped in HTML, also with marks behind, and are as they are in subject and text")
    func escaping() throws {
        let text = try templates().render("k", locale: "en", timeZone: "UTC", values)
        #expect(text.subject == "New: <b>A & B</b>")
        #expect(text.html?.contains("<p>&lt;b&gt;A &amp; B&lt;/b&gt; ") == true)
        #expect(text.text.hasPrefix("<b>A & B</b> "))
        let quote = try templates(["en/k.html": "<a title=\"{{title}}\">"]).render(
            "k", locale: "en", timeZone: "UTC", ["title": "\"\u{301} onload='x' \u{1}"])
        #expect(quote.html == "<a title=\"&quot;\u{301} onload=&#39;x&#39; \u{FFFD}\">")
    }

    @Test(
        "a locale falls back to its language, then to the default, and layouts are inherited",
        arguments: [
            ("pt", "Novo", "Tchau"), ("pt-PT", "Novo", "Tchau"), ("pt_BR.UTF-8", "Novo", "Tchau"), ("fr", "New", "Bye"),
            ("", "New", "Bye"), ("../x", "New", "Bye"), ("PT-br", "Novo", "Tchau"),
        ])
    func fallback(locale: String, subject: String, layout: String) throws {
        let text = try templates().render("k", locale: locale, timeZone: "UTC", values)
        #expect(text.subject.hasPrefix(subject) && text.html?.contains("<p>\(layout)</p>") == true)
    }

    @Test("a folder takes layouts that it does not have from the more general one")
    func inheritedLayout() throws {
        let text = try templates([
            "pt-BR/k.subject": "Oi", "pt-BR/k.html": "{{<layout}}{{$content}}Oi{{/content}}{{/layout}}",
            "pt-PT/k.subject": "Olá", "pt-PT/k.html": "{{<layout}}{{$content}}Olá{{/content}}{{/layout}}",
        ])
        #expect(try text.render("k", locale: "pt-BR", timeZone: "UTC", values).html?.contains("Valeu") == true)
        #expect(try text.render("k", locale: "pt-PT", timeZone: "UTC", values).html?.contains("Tchau") == true)
    }

    @Test(
        "dates are of the member's zone and of the language of the words",
        arguments: [
            ("en-US", "UTC", "Jan 15, 2027 at 8:00 AM"), ("en-GB", "Europe/Berlin", "15 Jan 2027 at 9:00"),
            ("en-US", "Asia/Tokyo", "Jan 15, 2027 at 5:00 PM"), ("de", "UTC", "Jan 15, 2027 at 8:00 AM"),
            ("en-US", "Mars/Olympus", "Jan 15, 2027 at 8:00 AM"),
            ("en-US", "America/New_York", "Jan 15, 2027 at 3:00 AM"),
        ])
    func dates(locale: String, zone: String, date: String) throws {
        let text = try templates(["en/k.text": "{{date}}"]).render("k", locale: locale, timeZone: zone, values)
        #expect(text.text.replacing("\u{202F}", with: " ") == date)
    }

    @Test("right-to-left languages say so")
    func direction() throws {
        #expect(try templates().render("k", locale: "ar-EG", timeZone: "UTC", values).text.hasSuffix(" rtl"))
        #expect(
            try templates().render("k", locale: "en", timeZone: "UTC", values).html?.contains("dir=\"ltr\"") == true)
    }

    @Test(
        "a template that cannot be read is refused at the start, with its name and what to do",
        arguments: [
            ("en/k.html", "a\n{{#x}}b", "'en/k.html' cannot be read, line 2"),
            ("en/k.html", "{{#x}}{{/y}}", "closes another"),
            ("en/k.html", "{{x", "in the middle of a tag"),
            ("en/k.html", "{{> nothing}}", "there is no 'nothing.html'"),
            ("en/k.html", "{{>k}}", "includes itself: k → k"),
            ("en/k.html", "{{<layout}}{{title}}{{/layout}}", "only blocks"),
            ("en/k.html", "{{>*name}}", "names a template by a value"), ("en/k.html", "{{=<% %>=}}", "delimiters"),
            ("en/other.subject", "x", "no words beside it"), ("fr/new.subject", "x", "no words beside it"),
            ("klingon/k.html", "x", "no name of a template"), ("en/k.odd", "x", "no name of a template"),
            ("k.html", "x", "no name of a template"), ("en/k k.html", "x", "no name of a template"),
            ("en/k.html", String(repeating: "x", count: 262_145), "at most 262144"),
        ])
    func errors(name: String, text: String, message: String) throws {
        let error = #expect(throws: StintError.self) { try templates([name: text]) }
        #expect("\(String(describing: error))".contains(message), "\(String(describing: error))")
    }

    @Test("a kind that the default locale does not have, and a default without templates, are refused")
    func defaults() throws {
        #expect(throws: StintError.self) { try templates(["de/new.subject": "x", "de/new.text": "x"]) }
        #expect(throws: StintError.self) { try NotificationTemplates(["de/k.subject": "x", "de/k.text": "x"]) }
        #expect(throws: StintError.self) { try NotificationTemplates([:]) }
    }

    @Test("a preview names what the sample does not have; when sent it is empty")
    func preview() throws {
        let templates = try templates([
            "en/k.html":
                "{{titel}} {{#author}}{{name}} {{title}}{{/author}} {{author.nam}} {{#list}}{{x}}{{/list}}{{.title}}"
        ])
        let sample: [String: NotificationValue] = [
            "title": "T", "author": ["name": "Zoë"], "list": [["x": 1], ["y": 2]],
        ]
        let error = #expect(throws: StintError.self) { try templates.preview("k", locale: "en", sample: sample) }
        #expect(
            "\(String(describing: error))".contains("does not have: nam, titel, x. "), "\(String(describing: error))")
        #expect(try templates.render("k", locale: "en", timeZone: "UTC", sample).html == " Zoë T  1T")
        #expect(throws: StintError.self) { try templates.preview("k", locale: "en") }
        #expect(try self.templates().preview("k", locale: "pt-BR", sample: values).subject == "Novo: <b>A & B</b>")
    }

    @Test("a preview names the plurals that a language has and a template has no words for")
    func previewPlurals() throws {
        let words = "{{#n}}{{#one}}{{count}} plik{{/one}}{{#other}}{{count}} pliku{{/other}}{{/n}}"
        let templates = try templates([
            "pl/k.subject": "x", "pl/k.text": words, "en/k.html": "{{title}}", "en/k.text": words,
        ])
        let sample: [String: NotificationValue] = ["n": 1, "title": "T"]
        #expect(try templates.preview("k", locale: "en", sample: sample).text == "1 plik")
        let error = #expect(throws: StintError.self) { try templates.preview("k", locale: "pl", sample: sample) }
        #expect("\(String(describing: error))".contains("add {{#few, many}}"), "\(String(describing: error))")
        #expect(try templates.render("k", locale: "pl", timeZone: "UTC", ["n": 3]).text == "3 pliku")
    }

    @Test("a subject is one line of at most 500 bytes")
    func subject() throws {
        let text = try templates().render(
            "k", locale: "en", timeZone: "UTC", ["title": " a\r\nBcc: x\u{2028}b \u{85} c "])
        #expect(text.subject == "New: a Bcc: x b c")
        let long = try templates().render(
            "k", locale: "en", timeZone: "UTC", ["title": .text(String(repeating: "ä", count: 1_000))])
        #expect(long.subject.utf8.count <= 500 && long.subject.hasSuffix("ä…"))
    }

    @Test("more than a megabyte of words is refused")
    func size() throws {
        let templates = try templates(["en/k.html": "{{#list}}{{title}}{{/list}}"])
        let values: [String: NotificationValue] = [
            "title": .text(String(repeating: "x", count: 200_000)), "list": .list(.init(repeating: 1, count: 10)),
        ]
        #expect(throws: StintError.self) { try templates.render("k", locale: "en", timeZone: "UTC", values) }
    }

    @Test("templates and samples are read from a folder")
    func folder() throws {
        let folder = try TemporaryFolder()
        let files = [
            "en/k.subject.mustache": "{{title}} {{when.time}}", "en/k.text.mustache": "Hi {{recipient.name}}",
            "en/notes.txt": "no template",
            "samples/k.json": #"{"title": "T", "when": {"$date": "2027-01-15T08:00:00Z"}}"#,
        ]
        for (name, text) in files {
            let path = "\(folder.path)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }
        let templates = try NotificationTemplates(folder: folder.path)
        #expect(templates.kinds == ["k"] && templates.locales == ["en"])
        let preview = try templates.preview("k", locale: "en")
        #expect(preview.subject.hasPrefix("T 8:00") && preview.text == "Hi Ada Lovelace")
        try Data([0x7B, 0xFF]).write(to: URL(fileURLWithPath: "\(folder.path)/en/k.html.mustache"))
        #expect(throws: StintError.self) { try NotificationTemplates(folder: folder.path) }
        #expect(throws: StintError.self) { try NotificationTemplates(folder: folder.path + "/none") }
    }
}
