import ArgumentParser
import StintCore

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Show who works, and on what.",
        discussion: """
            A worker is alive; gone, with jobs that nobody has taken back yet (`stint \
            reap` does); or unknown, since its process cannot be seen from here, as from \
            another container. running is ? where it cannot be told, and so is memory, \
            which is that of the worker itself, without the commands that it runs. A ? \
            after the supervisor's number says that its process cannot be seen from here.

            Example:
              stint workers
              stint workers --json | jq 'select(.existence == "gone").id'
              stint workers restart
            """,
        subcommands: [RestartWorkersCommand.self])

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Print one JSON object a line; what cannot be told is left out.")
    var json = false

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        let now = queue.clock.now()
        let workers = try await queue.store.workers().map { WorkerSighting($0, now: now) }
        var output = Output()
        if json {
            for worker in workers { try output.line(try jsonLine(WorkerDocument(worker))) }
        } else {
            try output.line(workers.isEmpty ? "no workers" : Self.table(workers).text)
        }
        try output.flush()
    }

    private static func table(_ workers: [WorkerSighting]) -> Table {
        var table = Table(
            ["id", "worker", "queues", "running", "since", "memory", "supervisor", "state"], rightAligned: [0, 4, 5, 6])
        for worker in workers {
            table.add([
                "\(worker.record.id)", worker.name, worker.queues, worker.running(atMost: 3),
                Measures.duration(milliseconds: worker.age), Measures.memory(bytes: worker.residentMemory),
                worker.supervisor, state(of: worker),
            ])
        }
        return table
    }

    private static func state(of worker: WorkerSighting) -> String {
        switch worker.existence {
        case .exists: "alive"
        case .gone: "gone, not yet taken back"
        case .unknown: "unknown, cannot be seen from here"
        }
    }
}
