import StintMIME

/// Addresses of headers and envelopes.
enum AddressList {
    static func of(_ header: String?, _ limits: InboundLimits) -> [InboundAddress] {
        guard let header else { return [] }
        return GMime.addresses(in: header.cut(bytes: 65_536), atMost: limits.addresses).map { name, address in
            InboundAddress(
                name: name.flatMap { $0.isEmpty ? nil : GMime.headerText($0).withoutNUL.cut(bytes: 1_000) },
                address: address.withoutNUL.cut(bytes: 500))
        }
    }

    /// Addresses without names, with commas between.
    static func plain(_ text: String, _ limits: InboundLimits) -> [String] {
        text.split(separator: ",").prefix(limits.addresses).map { withoutBrackets(String($0)) }
            .filter { !$0.isEmpty }
    }

    /// Without white space and angle brackets around it.
    static func withoutBrackets(_ text: String) -> String {
        var text = text.unicodeScalars[...].drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        if text.first == "<", text.last == ">", text.count > 1 { text = text.dropFirst().dropLast() }
        return String(text)
    }
}

/// The Message-IDs of a header.
enum MessageIDs {
    /// Each with its angle brackets, in their order, and each once.
    static func all(in header: String, atMost most: Int) -> [String] {
        var ids: [String] = []
        var rest = header.unicodeScalars.prefix(65_536)[...]
        while ids.count < most, let open = rest.firstIndex(of: "<") {
            rest = rest[rest.index(after: open)...]
            guard let close = rest.firstIndex(where: { $0 == ">" || $0 == "<" }) else { break }
            guard rest[close] == ">" else { continue }
            let id = String(rest[..<close].filter { $0 != " " && $0 != "\t" })
            rest = rest[rest.index(after: close)...]
            if !id.isEmpty, id.utf8.count <= 500, !ids.contains("<\(id)>") { ids.append("<\(id)>") }
        }
        return ids
    }
}

/// The words of services about SPF, DKIM, DMARC and spam.
enum CheckResults {
    static func score(_ text: String?) -> Double? {
        text.flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil }
    }

    /// `Pass`, `PASS`, `softfail (…)`, `GRAY`: the first word counts.
    static func result(_ text: String?) -> InboundChecks.Result? {
        guard let word = text?.lowercased().split(whereSeparator: { !$0.isLetter }).first else { return nil }
        switch word {
        case "pass": return .pass
        case "fail", "hardfail": return .fail
        case "softfail": return .softfail
        case "neutral", "gray": return .neutral
        case "none": return InboundChecks.Result.none
        case "temperror", "processing": return .temperror
        case "permerror": return .permerror
        default: return nil
        }
    }
}
