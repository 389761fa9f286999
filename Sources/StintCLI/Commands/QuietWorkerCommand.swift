import ArgumentParser
import StintCore

struct QuietWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quiet",
        abstract: "Order one worker to finish its jobs and to claim no more.",
        discussion: """
            The worker stays, and gives back what it has claimed and not started. With --off it claims again.

            Example:
              stint workers quiet 3
              stint workers quiet 3 --off
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The worker's id; see stint workers.")
    var id: WorkerID
    @Flag(help: "End the order: the worker claims again.")
    var off = false

    func run() async throws {
        try await database.open().order(off ? nil : .quiet, to: id)
        try Output.print("ordered worker \(id) to \(off ? "work again" : "be quiet")")
    }
}

extension WorkerID: ExpressibleByArgument {
    public init?(argument: String) {
        guard let number = Int64(argument), number > 0 else { return nil }
        self.init(rawValue: number)
    }
}
