import Foundation

/// Texts of members as HTML, and times as a member reads them.
enum Text {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Paragraphs of a text, with a link for each `@handle`.
    static func paragraphs(_ text: String) -> String {
        var html = escaped(text)
        for handle in Mentions.handles(in: text) {
            html = html.replacingOccurrences(
                of: "@\(handle)(?![A-Za-z0-9_])", with: "<a href=\"/members/\(handle)\">@\(handle)</a>",
                options: [.regularExpression, .caseInsensitive])
        }
        return html.components(separatedBy: "\n\n")
            .map { "<p>" + $0.replacingOccurrences(of: "\n", with: "<br>") + "</p>" }.joined()
    }

    /// The first letter of a name, for its picture.
    static func initial(_ name: String) -> String {
        name.first { $0.isLetter }.map { String($0).uppercased() } ?? "·"
    }

    /// In the member's time zone and language; what they have entered may be wrong, and then it is UTC and English.
    static func time(_ seconds: Int64, for member: Member?) -> String {
        let style = Date.FormatStyle(
            date: .abbreviated, time: .shortened, locale: locale(of: member),
            timeZone: member.flatMap { TimeZone(identifier: $0.timeZone) } ?? .gmt)
        return Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(style)
    }

    /// - Parameter days: Since 1970, in UTC.
    static func day(_ days: Int64, for member: Member) -> String {
        let noon = Date(timeIntervalSince1970: TimeInterval(days) * 86_400 + 43_200)
        return noon.formatted(
            Date.FormatStyle(date: .abbreviated, time: .omitted, locale: locale(of: member), timeZone: .gmt))
    }

    private static func locale(of member: Member?) -> Locale {
        let known = member.flatMap {
            Locale.availableIdentifiers.contains($0.locale.replacing("-", with: "_")) ? $0.locale : nil
        }
        return Locale(identifier: known ?? "en_GB")
    }
}
