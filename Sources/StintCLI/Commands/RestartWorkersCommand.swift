import ArgumentParser
import StintCore

struct RestartWorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Replace all worker processes one by one, with the current version of the program.",
        discussion: """
            The request reaches every supervisor that works on this database, including those of other users and in \
            other containers: they check the database for it every two seconds. A worker ends when its successor \
            works and its running jobs are done. The command reports supervisors that have not begun within --wait, \
            and workers without a supervisor, and then exits with 1.

            With an id it restarts this worker only, and returns at once: the worker gives its jobs back or finishes \
            them within its grace period, and its supervisor starts another one.

            Example:
              stint workers restart
              stint workers restart 3
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(
        help: ArgumentHelp("How long supervisors may take to begin. (default: 20s)", valueName: "duration"),
        transform: DurationArgument.init)
    var wait = DurationArgument.seconds(20)
    @Argument(help: "The id of one worker.")
    var id: WorkerID?

    func run() async throws {
        let queue = try await database.open()
        if let id {
            try await queue.order(.restart, to: id)
            return try Output.print("ordered worker \(id) to restart")
        }
        let workers = try await queue.workers().filter { $0.liveness != .dead }
        guard !workers.isEmpty else { return try Output.print("no workers") }
        try await queue.restartWorkers()
        let supervised = Dictionary(grouping: workers.filter { $0.registration.supervisor != nil }) {
            $0.registration.supervisor!
        }
        let silent = try await waitForAll(supervised, queue)
        let begun = supervised.filter { !silent.contains($0.key) }
        let count = begun.values.reduce(0) { $0 + $1.count }
        try Output.print("restarting \(Self.count(count, "worker")) of \(Self.count(begun.count, "supervisor"))")
        let alone = workers.filter { $0.registration.supervisor == nil }
        for worker in alone {
            Output.printError(
                "the worker \(oneLine(worker.registration.name, limit: 60)) has no supervisor and is not replaced")
        }
        for supervisor in silent {
            Output.printError(
                "the supervisor \(oneLine(supervisor.name, limit: 60)) has not begun within \(wait.description): it may be "
                    + "stopped or of an older version, or its new workers do not start; look into its log")
        }
        if !silent.isEmpty || !alone.isEmpty { throw ExitCode(1) }
    }

    /// - Returns: The supervisors that have not begun.
    private func waitForAll(
        _ supervised: [WorkerProcess: [WorkerRecord]], _ queue: JobQueue<AnyJobStore>
    ) async throws -> [WorkerProcess] {
        let old = Set(supervised.values.joined().map(\.id))
        let deadline = ContinuousClock.now + wait.duration
        var silent = Array(supervised.keys)
        while true {
            let now = try await queue.workers()
            silent.removeAll { supervisor in
                let its = now.filter { $0.registration.supervisor == supervisor }
                // There is a successor, or none of the old ones is left.
                return its.contains { !old.contains($0.id) } || !its.contains { old.contains($0.id) }
            }
            if silent.isEmpty || ContinuousClock.now >= deadline { return silent.sorted { $0.name < $1.name } }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
