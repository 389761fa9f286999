import ArgumentParser
import StintCore

struct StopWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Order one worker to end; its supervisor does not replace it.",
        discussion: """
            It ends as after SIGTERM: it finishes its jobs within its grace period, and gives the others back. When all \
            workers of a supervisor were stopped, the supervisor ends too.

            Example:
              stint workers stop 3
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The worker's id; see stint workers.")
    var id: WorkerID

    func run() async throws {
        try await database.open().order(.stop, to: id)
        try Output.print("ordered worker \(id) to stop")
    }
}
