import StintNotifications
import Testing

@Suite("Plurals")
struct PluralTests {
    @Test(
        "numbers take the form that their language has for them",
        arguments: [
            ("en", [(0, "other"), (1, "one"), (2, "other"), (11, "other"), (21, "other")]),
            ("de", [(0, "other"), (1, "one"), (2, "other")]),
            ("fr", [(0, "one"), (1, "one"), (2, "other"), (1_000_000, "many")]),
            (
                "ru",
                [
                    (0, "many"), (1, "one"), (2, "few"), (5, "many"), (11, "many"), (21, "one"), (22, "few"),
                    (112, "many"),
                ]
            ),
            ("pl", [(0, "many"), (1, "one"), (2, "few"), (5, "many"), (12, "many"), (21, "many"), (22, "few")]),
            (
                "ar",
                [
                    (0, "zero"), (1, "one"), (2, "two"), (3, "few"), (10, "few"), (11, "many"), (99, "many"),
                    (100, "other"), (103, "few"),
                ]
            ),
            ("ja", [(0, "other"), (1, "other"), (2, "other")]),
            ("pt-BR", [(0, "one"), (1, "one"), (2, "other")]),
            ("pt-PT", [(0, "other"), (1, "one"), (2, "other")]),
            ("lv", [(0, "zero"), (1, "one"), (2, "other"), (21, "one")]),
        ] as [(String, [(Int, String)])])
    func categories(locale: String, forms: [(number: Int, category: String)]) throws {
        let words = ["zero", "one", "two", "few", "many", "other"].map { "{{#\($0)}}\($0){{/\($0)}}" }.joined()
        let templates = try NotificationTemplates(
            ["en", locale].reduce(into: [String: String]()) {
                $0["\($1)/k.subject"] = "x"
                $0["\($1)/k.text"] = "{{#n}}\(words){{/n}}"
            })
        for (number, category) in forms {
            let text = try templates.render("k", locale: locale, timeZone: "UTC", ["n": .number(number)]).text
            #expect(text == category, "\(number) in \(locale)")
        }
    }

    @Test("numbers are written as the language writes them")
    func numbers() throws {
        let templates = try NotificationTemplates([
            "en/k.subject": "x", "en/k.text": "{{n}} {{#n}}{{count}}{{/n}}", "de/k.subject": "x", "de/k.text": "{{n}}",
            "ar-EG/k.subject": "x", "ar-EG/k.text": "{{n}}",
        ])
        func text(_ locale: String) throws -> String {
            try templates.render("k", locale: locale, timeZone: "UTC", ["n": 12_345]).text
        }
        #expect(try text("en") == "12,345 12,345")
        #expect(try text("de") == "12.345")
        #expect(try text("ar-EG") == "١٢٬٣٤٥")
        // English words with English numbers, whoever reads them.
        #expect(try text("fr") == "12,345 12,345")
    }
}
