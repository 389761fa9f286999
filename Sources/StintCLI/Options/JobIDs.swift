import ArgumentParser
import StintCore

/// One id, or several that ``joinedIDs(_:)`` has put into one argument.
struct JobIDs: ExpressibleByArgument {
    let ids: [JobID]

    init?(argument: String) {
        var ids: [JobID] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let id = JobID(argument: String(part)) else { return nil }
            ids.append(id)
        }
        self.ids = ids
    }
}
