import StintCore

extension JobTransaction {
    func errorGroups(_ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?) throws -> ErrorGroupPage {
        ErrorGroupPage()
    }
}
