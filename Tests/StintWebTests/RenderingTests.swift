import StintCore
import Testing

@testable import StintWeb

@Suite("What pages are made of")
struct RenderingTests {
    @Test(
        "text is escaped by scalars, so that a combining mark hides no quote",
        arguments: [
            ("<b>&'\"`", "&lt;b&gt;&amp;&#39;&quot;&#96;"), ("\"\u{301} x=", "&quot;\u{301} x="),
            ("<\u{301}", "&lt;\u{301}"), ("a\u{202e}b\u{0}c", "a\u{fffd}b\u{fffd}c"), ("Zoë 👩‍👩‍👧 ‏", "Zoë 👩‍👩‍👧 \u{fffd}"),
        ])
    func escapes(text: String, html: String) {
        #expect(HTMLText.escaped(text) == html)
    }

    @Test("the templates use it")
    func templates() throws {
        struct View {
            let status = 404
            let title = "x"
            let detail = "\"\u{301} <script>"
        }
        let html = try Templates().content(Page(title: "x", template: "error", view: View()))
        #expect(
            html.unicodeScalars.contains("<") && !html.contains("<script>")
                && html.contains("&quot;\u{301} &lt;script&gt;"))
    }

    @Test(
        "JSON is shown as it was written, and what is no JSON is not",
        arguments: ["1e400", "12345678901234567890.10", "\"\\u00e9\"", "[]", "{}", " [1, {\"a\": null}] ", "-0"])
    func json(text: String) {
        #expect(JSONTree.html(Array(text.utf8), redacted: []) != nil)
    }

    @Test(
        "what is no JSON is none",
        arguments: [
            "", "01", "[1,]", "{\"a\"}", "{a:1}", "\"", "\"\n\"", "nul", "1 2", "[", "{\"a\":1", "+1", ".5", "\\",
        ])
    func noJSON(text: String) {
        #expect(JSONTree.html(Array(text.utf8), redacted: []) == nil)
        #expect(JSONTree.html(Array(repeating: UInt8(ascii: "["), count: 100_000), redacted: []) == nil)
    }

    @Test("the values of redacted keys are nowhere")
    func redaction() throws {
        let text = Array(
            #"{"user": "anna", "PassWord": {"a": [1, "secret"]}, "list": [{"passw\u006frd": "secret"}]}"#.utf8)
        let html = try #require(JSONTree.html(text, redacted: ["password"]))
        #expect(!html.contains("secret") && html.contains("anna") && html.contains("[redacted]"))
        let plain = String(decoding: try #require(JSONTree.text(text, redacted: ["password"])), as: UTF8.self)
        #expect(plain == #"{"user": "anna", "PassWord": "[redacted]", "list": [{"passw\u006frd": "[redacted]"}]}"#)
    }

    @Test("a live page tells what has changed, and no more")
    func livePages() {
        func page(_ ready: Int, _ rest: String = "", age: String = "1 s") -> LivePage {
            LivePage(
                "<p data-live=\"a\" class=x>\(ready)</p><p data-live=\"b\">&lt;1</p><time datetime=x>\(age)</time>\(rest)",
                version: 1)
        }
        let first = page(1)
        #expect(first.values == ["a": "1", "b": "<1"])
        #expect(!page(1, age: "2 s").differs(from: first))
        #expect(page(2).update(after: first).values == ["a": "2"] && page(2).update(after: first).html == nil)
        #expect(page(2, "<p>new</p>").update(after: first).html?.hasSuffix("<p>new</p>") == true)
        // One who has just loaded the page, perhaps an older one.
        #expect(page(2).update(structure: first.structure).values == ["a": "2", "b": "<1"])
        #expect(page(2).update(structure: first.structure).html == nil)
        for other in [nil, page(2, "<p>new</p>").structure] {
            #expect(first.update(structure: other).html == first.html)
        }
    }

    @Test(
        "numbers and times are short",
        arguments: [(0, "0"), (999, "999"), (1_000, "1\u{202f}000"), (12_345_678, "12\u{202f}345\u{202f}678")])
    func numbers(number: Int, text: String) {
        #expect(Words.count(number) == text)
    }

    @Test(
        "durations",
        arguments: [
            (0, "0 ms"), (999, "999 ms"), (1_500, "1.5 s"), (59_999, "60 s"), (3_600_000, "1 h"),
            (86_400_000 * 3, "3 days"),
        ])
    func durations(milliseconds: Int, text: String) {
        #expect(Words.duration(.milliseconds(milliseconds)) == text)
    }

    @Test("metrics of other parts of a program are written as the dashboard's own, in both formats")
    func moreMetrics() {
        let orders = MetricFamily(
            "shop_orders", .counter, help: "Orders.",
            [.init(3, label: ("shop", "a\"b")), .init(4, label: ("shop", "c"))])
        let carts = MetricFamily("shop_carts", .gauge, help: "Carts.", [.init(-1)])
        for (isOpen, name) in [(true, "shop_orders"), (false, "shop_orders_total")] {
            var text = MetricsText(isOpen: isOpen)
            for family in [orders, carts] { family.add(to: &text) }
            #expect(
                text.text == """
                    # TYPE \(name) counter
                    # HELP \(name) Orders.
                    shop_orders_total{shop="a\\"b"} 3
                    shop_orders_total{shop="c"} 4
                    # TYPE shop_carts gauge
                    # HELP shop_carts Carts.
                    shop_carts -1

                    """)
        }
    }

    @Test("labels of metrics are escaped")
    func metrics() {
        var text = MetricsText(isOpen: true)
        text.counter("x", "An x.") { $0("queue", "a\"b\\c\nd", value: 3) }
        text.gauge("y_seconds", unit: "seconds", "A y.") { y in
            for time in [0, 1, 20, 1_500, 2_000] { y(milliseconds: time) }
        }
        let lines = text.text.split(separator: "\n").map(String.init)
        #expect(lines.suffix(5) == ["0.0", "0.001", "0.02", "1.5", "2.0"].map { "y_seconds \($0)" })
        #expect(text.text.hasPrefix("# TYPE x counter\n# HELP x An x.\nx_total{queue=\"a\\\"b\\\\c\\nd\"} 3\n"))
    }
}
