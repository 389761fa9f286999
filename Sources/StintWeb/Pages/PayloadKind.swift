/// How a payload is shown.
enum PayloadKind: Equatable {
    case json, text, html, mail, bytes

    init(_ contentType: String) {
        let type = contentType.prefix { $0 != ";" }.lowercased()
        switch type {
        case "application/json", "text/json": self = .json
        case _ where type.hasSuffix("+json"): self = .json
        case "text/html", "application/xhtml+xml": self = .html
        case "message/rfc822": self = .mail
        case _ where type.hasPrefix("text/"): self = .text
        case "application/xml", "application/x-www-form-urlencoded": self = .text
        default: self = .bytes
        }
    }

    var suffix: String {
        switch self {
        case .json: "json"
        case .text: "txt"
        case .html: "html"
        case .mail: "eml"
        case .bytes: "bin"
        }
    }
}
