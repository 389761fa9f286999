import StintCore

/// Text as the full-text index has it: what a query finds in a job, it finds in the job's text here. Of the other way
/// round nothing is promised, so each job that the index finds is looked at.
///
/// Bytes that are no UTF-8 become U+FFFD, which leaves all texts as they are that a query can have. ASCII letters become
/// small. Control characters, which no query has, become blanks: FTS5 would end at a NUL.
struct SearchText {
    /// The shortest text that the index finds: it has all rows of three characters.
    static let shortest = 3
    /// Jobs with a longer text are not indexed.
    static let maximumBytes = 16_384
    /// What a job costs besides its text.
    static let overhead = 32
    /// A longer query is looked up by at most this many of its rows of three.
    private static let maximumTrigrams = 24

    private(set) var text = ""

    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        if !text.isEmpty { text += " " }
        text += Self.normalized(bytes)
    }

    static func normalized(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        let plain = bytes.map { byte -> UInt8 in
            switch byte {
            case 0x41...0x5A: byte + 0x20
            case 0..<0x20, 0x7F: 0x20
            default: byte
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// The query in FTS5's language that finds all jobs whose text contains this one, and perhaps others; `nil` if it is
    /// too short. Each row of three characters is quoted, so nothing in it is an operator.
    static func expression(for text: QueryText) -> String? {
        var text = text.description
        let scalars = Array(text.withUTF8(normalized).unicodeScalars)
        guard scalars.count >= shortest else { return nil }
        var trigrams: [String] = []
        for start in 0...(scalars.count - shortest) {
            var trigram = ""
            trigram.unicodeScalars.append(contentsOf: scalars[start..<start + shortest])
            let quoted = "\"\(trigram.replacing("\"", with: "\"\""))\""
            if !trigrams.contains(where: { $0.utf8.elementsEqual(quoted.utf8) }) { trigrams.append(quoted) }
        }
        if trigrams.count > maximumTrigrams {
            let step = Double(trigrams.count - 1) / Double(maximumTrigrams - 1)
            trigrams = (0..<maximumTrigrams).map { trigrams[Int((Double($0) * step).rounded())] }
        }
        return trigrams.joined(separator: " AND ")
    }
}
