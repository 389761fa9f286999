import ArgumentParser
import Foundation
import StintCore

struct BeginOperationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "begin",
        abstract: "Begin an operation on all jobs that match a query, and work on it until it has ended.",
        discussion: """
            Changes jobs in the states that the verb applies to: kick those that are buried (with --after, later), run \
            those that are delayed, bury and cancel those that are not over, delete those in any state, move (--to) \
            and prioritize (--priority) those that are ready, delayed or buried. Unless --yes is given, it counts them \
            and asks for confirmation on the terminal first. When the command is stopped, workers go on with the \
            operation: `stint operations cancel` ends it.

            Example:
              stint operations begin kick 'queue:mail error:"timed out"'
              stint operations begin move 'queue:mail group:acme' --to slow --yes
              stint operations begin delete 'queue:mail state:buried age:>30d' --detach
            """)

    enum Verb: String, ExpressibleByArgument, CaseIterable {
        case kick, run, bury, cancel, delete, move, prioritize
    }

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "kick, run, bury, cancel, delete, move or prioritize.")
    var verb: Verb
    @Argument(help: "Which jobs, as in 'queue:mail state:buried'.", transform: JobQuery.init(_:))
    var query: JobQuery
    @Option(
        help: ArgumentHelp("With kick: ready after this time. (default: at once)", valueName: "duration"),
        transform: DurationArgument.init)
    var after: DurationArgument?
    @Option(help: ArgumentHelp("With bury and cancel: why. (default: by hand)", valueName: "text"))
    var reason: String?
    @Option(
        help: ArgumentHelp("With move: the queue. (default: none)", valueName: "q"), transform: QueueName.init(_:))
    var to: QueueName?
    @Option(help: ArgumentHelp("With prioritize: the priority. (default: none)", valueName: "n"))
    var priority: UInt32?
    @Flag(help: "Do not ask for confirmation.")
    var yes = false
    @Flag(help: "Begin it and return at once.")
    var detach = false

    func validate() throws { _ = try change() }

    private func change() throws -> JobChange {
        if after != nil, verb != .kick { throw wrongUsage("--after goes only with kick") }
        if reason != nil, verb != .bury, verb != .cancel { throw wrongUsage("--reason goes only with bury and cancel") }
        switch (verb, to, priority) {
        case (.move, let queue?, nil): return .move(to: queue)
        case (.move, _, _): throw wrongUsage("move needs --to QUEUE, and no --priority")
        case (.prioritize, nil, let priority?): return .setPriority(to: priority)
        case (.prioritize, _, _): throw wrongUsage("prioritize needs --priority N, and no --to")
        case (_, nil, nil): break
        default: throw wrongUsage("--to goes only with move, and --priority with prioritize")
        }
        return switch verb {
        case .kick: after.map { .kickLater(after: $0.duration) } ?? .kick
        case .run: .runNow
        case .bury: .bury(reason: reason ?? "buried manually")
        case .cancel: .cancel(reason: reason ?? "cancelled manually")
        case .delete, .move, .prioritize: .delete
        }
    }

    func run() async throws {
        let (queue, change) = (try await database.open(), try self.change())
        var selection = JobSelection(query)
        selection.states = change.states
        var total: Int?
        if !yes { total = try await confirm(change, selection, in: queue) }
        let operation = try await queue.begin(change, on: selection, total: total, by: commandLineActor())
        guard !detach else { return try Output.print("operation \(operation.id)") }
        try Output.print(try await queue.work(on: operation))
    }

    /// - Throws: ``StintError`` if there is no terminal to ask on, ``ExitCode`` 1 if the answer is no.
    private func confirm(
        _ change: JobChange, _ selection: JobSelection, in queue: JobQueue<AnyJobStore>
    ) async throws -> Int {
        let count = try await queue.count(selection)
        let what = "\(change): \(count) \(count == 1 ? "job matches" : "jobs match") \(quoted(query.description))"
        guard Question.canBeAsked else {
            throw StintError.invalidInput(
                "\(what), and there is no terminal to ask on: nothing was changed; add --yes to do it")
        }
        guard await Question.ask("\(what)?") else {
            Output.printError("nothing was changed")
            throw ExitCode(1)
        }
        return count
    }
}

extension JobQueue<AnyJobStore> {
    /// Works on an operation until it has ended or is paused, with a progress bar.
    ///
    /// - Returns: What to tell the user.
    func work(on operation: BulkOperation) async throws -> String {
        let now = try await finish(operation)
        return "operation \(now.id) \(now.state.rawValue): \(now.verb) \(now.progressText)"
    }

    /// The same. A signal ends this process and not the operation, and this process says so.
    func finish(_ operation: BulkOperation) async throws -> BulkOperation {
        let id = operation.id
        EndingSignals.takeBarAway(
            saying:
                "operation \(id) goes on: workers and `stint reap` make its next steps; `stint operations show \(id)` "
                + "shows how far it is, and `stint operations cancel \(id)` ends it")
        var bar = ProgressBar(total: nil)
        let now = try await run(id) { bar.update($0.changed, of: $0.total, "\($0.progressText) jobs") }
        bar.finish()
        EndingSignals.saysNothing()
        if now.state == .failed {
            throw StintError.invalidInput("operation \(id) failed: \(now.failure ?? "for an unknown reason")")
        }
        return now
    }
}

/// Who uses the command line, for the records of operations.
func commandLineActor() -> String {
    let name = NSUserName()
    return "cli:\(name.utf8.count > 190 ? "?" : name)"
}
