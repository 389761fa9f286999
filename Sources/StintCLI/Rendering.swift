import Foundation
import StintCore

/// One JSON document on one line, keys sorted.
func jsonLine(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// A job's record with its failures and payload.
struct JobDocument: Encodable {
    private let job: JobDetails

    init(_ job: JobDetails) { self.job = job }

    private enum Keys: String, CodingKey {
        case failures, payload, payloadBase64
    }

    func encode(to encoder: any Encoder) throws {
        try job.record.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(job.failures, forKey: .failures)
        if let text = String(validating: job.payload, as: UTF8.self) {
            try container.encode(text, forKey: .payload)
        } else {
            try container.encode(Data(job.payload).base64EncodedString(), forKey: .payloadBase64)
        }
    }
}

/// A time in the user's zone, to the second.
func localTime(_ time: Timestamp?) -> String {
    guard let time else { return "?" }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss ZZZ"
    return formatter.string(from: Date(timeIntervalSince1970: Double(time) / 1_000))
}

/// Text of unknown origin, made safe for a terminal: control characters but line breaks and tabs are escaped.
func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar.isControl && scalar != "\n" && scalar != "\t" {
            result += scalar.escaped(asASCII: true)
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// The same on one line, without tabs, and cut.
func oneLine(_ text: String, limit: Int) -> String {
    let line = printable(text).split { $0.isNewline || $0 == "\t" }.joined(separator: " ")
    return line.count > limit ? line.prefix(limit - 1) + "…" : line
}

/// Columns of text, as wide as they need to be, and safe for a terminal: names may come from another program.
struct Table {
    private var rows: [[String]]
    private let rightAligned: Set<Int>
    /// Of the columns, as wide as they were in the parts before.
    private var widths: [Int]

    init(_ head: [String], rightAligned: some Sequence<Int>) {
        rows = [head]
        widths = head.map { _ in 0 }
        self.rightAligned = Set(rightAligned)
    }

    mutating func add(_ row: [String]) { rows.append(row.map { oneLine($0, limit: .max) }) }

    /// The rows until now, of a table that comes in parts: each has columns that are at least as wide as those before.
    mutating func takeText() -> String {
        defer {
            widths = currentWidths
            rows = []
        }
        return text
    }

    private var currentWidths: [Int] {
        widths.indices.map { column in rows.reduce(widths[column]) { max($0, $1[column].columns) } }
    }

    var text: String {
        let widths = currentWidths
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += column > 0 ? "  " : ""
                line += cell.padded(toColumns: widths[column], alignedRight: rightAligned.contains(column))
            }
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
