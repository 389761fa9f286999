import Testing

@testable import StintNotifications

@Suite("Text from HTML")
struct TextFromHTMLTests {
    @Test(
        "is what a reader would see",
        arguments: [
            ("<p>One</p><p>Two <b>bold</b>\n  line</p>", "One\n\nTwo bold line\n"),
            ("<h1>Title</h1>Text<br>next<br><br>far", "Title\n\nText\nnext\n\nfar\n"),
            ("<a href=\"https://x.example/a?b=1&amp;c=2\">Read</a>.", "Read (https://x.example/a?b=1&c=2).\n"),
            ("<a href='https://x.example'>https://x.example</a>", "https://x.example\n"),
            ("<a href='mailto:a@x.example'>a@x.example</a>", "a@x.example\n"),
            ("<a href=\"https://x.example\"><img src=1></a>", "https://x.example\n"),
            ("<a href='#top'>Top</a> <a href='javascript:x()'>No</a>", "Top No\n"),
            ("<img src='x' alt='A cat'>", "A cat\n"),
            (
                "<ul><li>One</li><li>Two<ul><li>Deep</li></ul></li><li>Three</ul>After",
                "- One\n- Two\n  - Deep\n- Three\n\nAfter\n"
            ),
            ("<ol start=9><li>Nine<li>Ten<br>more</ol>", "9. Nine\n10. Ten\n    more\n"),
            ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td></td><td>3</td></tr></table>", "A | B\n1 | 3\n"),
            ("<table><tr><td><p>Left</p></td><td><p>Right</p></td></tr></table>", "Left\n\nRight\n"),
            ("<blockquote><p>a</p><p>b</p></blockquote>c", "> a\n\n> b\n\nc\n"),
            ("<pre>a  b\n  c</pre>", "a  b\n  c\n"),
            ("a<hr>b", "a\n\n----\n\nb\n"),
            (
                "<head><title>T</title><style>p{}</style></head><body><script>if (a<b) x()</script>x<!-- no > --></body>",
                "x\n"
            ),
            ("&lt;p&gt; &#39;&#x20AC;&uuml;&nbsp;&bogus; &amp;amp; &", "<p> '€ü &bogus; &amp; &\n"),
            ("1 < 2 <3 <", "1 < 2 <3 <\n"),
            ("<p title=\"a>b\">x", "x\n"), ("<a href=\"https://x", ""), ("<!-- open", ""), ("<script>open", ""),
            ("", ""),
            ("</ul></li></blockquote></pre></a>x", "x\n"), ("&#xFFFFFFFFF;&#0;", "&#xFFFFFFFFF;\n"),
            ("日本<b>語</b>🎉", "日本語🎉\n"),
        ])
    func text(html: String, expected: String) {
        #expect(TextFromHTML.text(html) == expected)
    }

    @Test("deep HTML is no danger, and takes no long time")
    func deep() {
        for tag in [
            "<ul><li>", "<blockquote>", "<table><tr><td>", "<a href='https://x.example'>", "<!--", "<pre>", "&amp",
        ] {
            let text = TextFromHTML.text(String(repeating: tag, count: 20_000) + "x")
            #expect(text.utf8.count < 2_000_000)
        }
    }
}
