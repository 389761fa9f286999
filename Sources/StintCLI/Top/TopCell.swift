/// A piece of a line and its style.
struct TopCell {
    enum Style: String {
        case plain = ""
        case bold = "1"
        case red = "31"
        case yellow = "33"
        case dim = "2"
    }

    let text: String
    let style: Style

    init(_ text: String, _ style: Style = .plain) {
        self.text = text
        self.style = style
    }
}
