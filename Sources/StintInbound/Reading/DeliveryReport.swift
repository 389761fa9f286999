/// Reads which recipients a mail server could not reach (RFC 3464).
enum DeliveryReport {
    private static let most = 100

    static func bounces(of mail: InboundMail, reports: [String]) -> [Bounce] {
        var found = reports.flatMap { bounces(in: $0) }
        // Some services give the parts of a report as one text.
        if found.isEmpty, let text = mail.text, text.hasField("final-recipient") { found = bounces(in: text) }
        if found.isEmpty, let list = mail.header("X-Failed-Recipients") {
            found = list.split(separator: ",").map {
                Bounce(recipient: AddressList.withoutBrackets(String($0)).cut(bytes: 500), action: "failed")
            }
        }
        var known: Set<String> = []
        return Array(found.filter { known.insert($0.recipient.lowercased()).inserted }.prefix(most))
    }

    /// Each block of lines with a recipient is about one.
    private static func bounces(in report: String) -> [Bounce] {
        var found: [Bounce] = []
        var fields: [String: String] = [:]
        var last: String?
        func end() {
            if let recipient = fields["final-recipient"] ?? fields["original-recipient"], found.count < most {
                let status = fields["status"].map {
                    String($0.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }.prefix(12))
                }
                found.append(
                    Bounce(
                        recipient: address(recipient),
                        action: fields["action"].map { String($0.lowercased().prefix(20)) },
                        status: status, diagnostic: fields["diagnostic-code"].map { value($0).cut(bytes: 1_000) }))
            }
            fields = [:]
            last = nil
        }
        for line in report.split(separator: "\n", maxSplits: 5_000, omittingEmptySubsequences: false) {
            let line = line.hasSuffix("\r") ? line.dropLast() : line
            if line.allSatisfy({ $0 == " " }) {
                end()
            } else if let first = line.first, first == " " || first == "\t" {
                if let last, let known = fields[last], known.utf8.count < 2_000 {
                    fields[last] = known + " " + AddressList.withoutBrackets(MailContent.line(String(line)))
                }
            } else if let colon = line.firstIndex(of: ":"), line[..<colon].utf8.count < 60 {
                let name = line[..<colon].lowercased()
                if name == "final-recipient", fields[name] != nil { end() }
                if fields[name] == nil {
                    // A CR alone ends no line here, and must not become one where an application writes the field.
                    fields[name] = AddressList.withoutBrackets(
                        MailContent.line(String(line[line.index(after: colon)...]))
                    ).cut(bytes: 2_000)
                }
                last = name
            }
        }
        end()
        return found
    }

    /// What follows the type, as in `rfc822; ada@example.org`.
    private static func value(_ field: String) -> String {
        guard let semicolon = field.firstIndex(of: ";") else { return field }
        return AddressList.withoutBrackets(String(field[field.index(after: semicolon)...]))
    }

    private static func address(_ field: String) -> String { AddressList.withoutBrackets(value(field)).cut(bytes: 500) }
}

extension String {
    /// Whether a line begins with this name, in small letters.
    fileprivate func hasField(_ name: String) -> Bool {
        split(separator: "\n", maxSplits: 5_000).contains { $0.prefix(name.count).lowercased() == name }
    }
}
