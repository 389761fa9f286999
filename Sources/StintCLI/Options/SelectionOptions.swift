import ArgumentParser
import Foundation
import StintCore

/// Selects jobs of a queue for `delete`, `cancel`, `bury` and `kick` without ids.
struct SelectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Jobs of this queue instead of ids. (default: none; for kick: default)", valueName: "q"),
        transform: QueueName.init(_:))
    var queue: QueueName?
    @Option(help: ArgumentHelp("Only jobs in this state. (default: any)", valueName: "s"))
    var state: JobState?
    @Option(
        help: ArgumentHelp(
            "Only jobs whose reason of burial or last error contains this text. (default: any)", valueName: "text"))
    var error: String?
    @Option(
        help: ArgumentHelp("Only jobs that were put longer ago than this. (default: any)", valueName: "duration"),
        transform: DurationArgument.init)
    var older: DurationArgument?
    @Flag(help: "All of the queue's jobs; needed to delete, cancel or bury them without another condition.")
    var all = false

    private var hasCondition: Bool { state != nil || error != nil || older != nil }

    /// - Parameter needsCondition: Whether a queue alone is not enough.
    func validate(_ ids: [JobIDs], for change: JobChange, needsCondition: Bool) throws {
        guard ids.isEmpty || queue == nil && !hasCondition && !all else {
            throw wrongUsage(
                "ids do not go with --queue, --state, --error, --older and --all: an id names its job already")
        }
        guard ids.isEmpty else { return }
        guard !all || !hasCondition else {
            throw wrongUsage("--all does not go with --state, --error and --older: leave one of them out")
        }
        if let state, !change.states.contains(state) {
            let possible = JobState.allCases.filter(change.states.contains).map(\.rawValue).joined(separator: ", ")
            throw wrongUsage("--state is \(state.rawValue); here it can only be \(possible)")
        }
        guard needsCondition else { return }
        guard let queue else { throw wrongUsage("no job was named: give ids, or --queue with a condition or --all") }
        guard hasCondition || all else {
            throw wrongUsage(
                "--queue \(queue) alone would mean all of its jobs: add --all, or --state, --error or --older")
        }
    }

    var queueName: QueueName { queue ?? .default }

    /// All conditions are terms of the query, so that the record of the operation names them.
    func selection(for change: JobChange) -> JobSelection {
        let conditions: [JobQuery.Condition?] = [
            .queue(queueName), state.map { .state($0) }, error.map { .error(QueryText($0)) },
            older.map { .age(isOver: true, $0.duration) },
        ]
        var selection = JobSelection(JobQuery(terms: conditions.compactMap(\.self).map { JobQuery.Term($0) }))
        selection.states = change.states
        return selection
    }
}

extension [JobIDs] {
    /// The ids in their order, without duplicates.
    var unique: [JobID] {
        var seen: Set<JobID> = []
        return flatMap(\.ids).filter { seen.insert($0).inserted }
    }
}

/// Joins neighbouring ids into one argument. The parser copies the remaining arguments for each positional one, so
/// 20,000 ids took it ten seconds.
func joinedIDs(_ arguments: [String]) -> [String] {
    guard let command = arguments.first,
        ["delete", "cancel", "bury", "kick", "run", "move", "prioritize"].contains(command)
    else {
        return arguments
    }
    var result = [command]
    var mayJoin = false
    for argument in arguments.dropFirst() {
        let isID = argument.utf8.allSatisfy { (0x30...0x39).contains($0) } && JobID(argument: argument) != nil
        if isID && mayJoin {
            result[result.count - 1] += ",\(argument)"
        } else {
            result.append(argument)
        }
        // The first one after an option may be its value.
        mayJoin = isID && (mayJoin || !result[result.count - 2].utf8.starts(with: "-".utf8))
    }
    return result
}
