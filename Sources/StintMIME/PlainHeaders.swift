/// The headers at the beginning of a mail that is not read otherwise, as they are.
package enum PlainHeaders {
    private static let most = 100
    private static let mostBytes = 65_536

    package static func read(_ mail: [UInt8]) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for line in mail.prefix(mostBytes).split(separator: 0x0A, omittingEmptySubsequences: false) {
            let line = line.last == 0x0D ? line.dropLast() : line
            guard let first = line.first else { break }
            let text = String(decoding: line.prefix(1_000), as: UTF8.self)
            if first == 0x20 || first == 0x09 {
                if let last = headers.indices.last, headers[last].value.utf8.count < 4_000 {
                    headers[last].value += text
                }
                continue
            }
            guard let colon = text.firstIndex(of: ":"), headers.count < most else { break }
            headers.append((String(text[..<colon]), String(text[text.index(after: colon)...].drop { $0 == " " })))
        }
        return headers
    }
}
