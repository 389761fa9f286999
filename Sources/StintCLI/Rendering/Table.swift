import Foundation
import StintCore

/// Columns of text, as wide as they need to be, and safe for a terminal: names may come from another program.
struct Table {
    private var rows: [[String]]
    private let rightAligned: Set<Int>
    /// The widths of the columns in the previous parts.
    private var widths: [Int]

    init(_ head: [String], rightAligned: some Sequence<Int>) {
        rows = [head]
        widths = head.map { _ in 0 }
        self.rightAligned = Set(rightAligned)
    }

    mutating func add(_ row: [String]) { rows.append(row.map { oneLine($0, limit: .max) }) }

    /// Returns and removes the rows so far, to print a table in parts. No column gets narrower than in previous parts.
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
