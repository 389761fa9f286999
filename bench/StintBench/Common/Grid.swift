/// A table as text: a title over the first column, the others to the right, each as wide as needed.
struct Grid {
    let title: String
    let columns: [String]
    var rows: [[String]] = []

    init(_ title: String, _ columns: String...) {
        self.title = title
        self.columns = columns
    }

    mutating func add(_ title: String, _ cells: String...) {
        rows.append([title] + cells)
    }

    var text: String {
        let lines = [[title] + columns] + rows
        let widths = (0...columns.count).map { column in
            lines.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
        }
        return lines.map { line in
            line.enumerated().map { column, cell in
                column == 0 ? cell.padded(to: widths[0]) : "  " + cell.padded(to: widths[column], right: true)
            }.joined()
        }.joined(separator: "\n")
    }
}
