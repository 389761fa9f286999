/// Columns that share a width: the flexible ones shrink, the widest first.
struct TopGrid {
    struct Column {
        let title: String
        var alignedRight = false
        var isFlexible = false
    }

    private static let gap = 2
    /// The least width of a flexible column.
    private static let least = 6

    private let columns: [Column]
    private let rows: [[TopCell]]

    init(_ columns: [Column], rows: [[TopCell]]) {
        self.columns = columns
        self.rows = [columns.map { TopCell($0.title, .dim) }] + rows
    }

    func lines(width: Int, hasColours: Bool) -> [String] {
        let widths = self.widths(within: width)
        return rows.map { row in
            let cells = zip(row, zip(columns, widths)).map { cell, place in
                let (column, width) = place
                let text = cell.text.cut(toColumns: width).padded(toColumns: width, alignedRight: column.alignedRight)
                return TopCell(text, cell.style)
            }
            return TopGrid.line(cells, gap: Self.gap, width: width, hasColours: hasColours)
        }
    }

    private func widths(within width: Int) -> [Int] {
        var widths = columns.indices.map { column in rows.map { $0[column].text.columns }.max() ?? 0 }
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - width
        while excess > 0 {
            let flexible = columns.indices.filter { columns[$0].isFlexible && widths[$0] > Self.least }
            guard let widest = flexible.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    /// Cells beside each other, cut to the width, without spaces at the end.
    static func line(_ cells: [TopCell], gap: Int = 0, width: Int, hasColours: Bool) -> String {
        var line = ""
        var left = width
        // The last cell that is not blank must not be padded.
        let last = cells.lastIndex { !$0.text.allSatisfy { $0 == " " } } ?? -1
        for (index, cell) in cells.enumerated() where index <= last {
            let space = String(repeating: " ", count: min(left, index > 0 ? gap : 0))
            left -= space.columns
            var text = cell.text.cut(toColumns: left)
            if index == last { text = String(text.reversed().drop { $0 == " " }.reversed()) }
            left -= text.columns
            line += space
            line += hasColours && cell.style != .plain ? "\u{1B}[\(cell.style.rawValue)m\(text)\u{1B}[0m" : text
        }
        return line
    }
}
