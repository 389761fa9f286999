import ArgumentParser
import StintCore

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Show the workers and their jobs.",
        discussion: """
            A worker is alive; gone, with jobs that are not reclaimed yet (`stint reap` does that); or unknown, if \
            its process cannot be seen from here, for example from another container. running and memory are ? if \
            they are unknown. memory is that of the worker itself, without its commands. A ? after the supervisor's \
            process id means that its process cannot be seen from here. writer is who writes the worker's claims and \
            settlements to the database: its supervisor, at once for all of its workers, or the worker itself.

            Example:
              stint workers
              stint workers --json | jq 'select(.existence == "gone").id'
              stint workers restart
              stint workers quiet 3
            """,
        subcommands: [
            RestartWorkersCommand.self, QuietWorkerCommand.self, StopWorkerCommand.self,
        ])

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Print one JSON object a line; unknown values are left out.")
    var json = false

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        let workers = try await queue.workers().map { WorkerSnapshot($0) }
        var output = Output()
        if json {
            for worker in workers { try output.line(try jsonLine(WorkerDocument(worker))) }
        } else {
            try output.line(workers.isEmpty ? "no workers" : Self.table(workers).text)
        }
        try output.flush()
    }

    private static func table(_ workers: [WorkerSnapshot]) -> Table {
        var table = Table(
            ["id", "worker", "queues", "running", "since", "memory", "supervisor", "writer", "state"],
            rightAligned: [0, 4, 5, 6])
        for worker in workers {
            table.add([
                "\(worker.record.id)", worker.name, worker.queues, worker.running(atMost: 3),
                Format.duration(milliseconds: worker.age), Format.memory(bytes: worker.residentMemory),
                worker.supervisor, worker.writer, state(of: worker),
            ])
        }
        return table
    }

    private static func state(of worker: WorkerSnapshot) -> String {
        switch worker.record.liveness {
        case .alive:
            worker.record.order.map { "alive, ordered to \($0 == .quiet ? "be quiet" : $0.rawValue)" } ?? "alive"
        case .dead: "gone, not yet reclaimed"
        case .unknown: "unknown, cannot be seen from here"
        }
    }
}
