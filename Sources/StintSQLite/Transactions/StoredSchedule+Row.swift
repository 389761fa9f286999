import StintCore

extension StoredSchedule {
    static let columns = """
        id, name, paused, ticked_until, next_tick, length(payload), \(Contents.columns)
        """

    /// Reads a row with ``columns``.
    init(_ row: Statement.Row) {
        let contents = Contents {
            row.optionalText(Int32($0) + 6).map(ByteText.init)
        } number: {
            row.optionalInt(Int32($0) + 6)
        }
        self.init(
            id: row.int(0), name: row.text(1), isPaused: row.int(2) != 0, tickedUntil: row.int(3),
            nextTick: row.optionalInt(4), contents: contents, payloadBytes: row.int(5))
    }
}

extension StoredSchedule.Contents {
    /// From the parameter `first` on, in the order of ``columns``.
    func bind(_ statement: Statement, from first: Int32) {
        for (column, value) in values.enumerated() {
            switch value {
            case .text(let text): statement.bind(first + Int32(column), text?.text)
            case .number(let number): statement.bind(first + Int32(column), number)
            }
        }
    }
}
