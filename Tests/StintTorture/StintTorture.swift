import ArgumentParser

/// `make torture`: what the tests do for seconds, for minutes or hours.
@main
struct StintTorture: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stint-torture",
        abstract: "Tries to make Stint lose a job.",
        subcommands: [FuzzCommand.self, OtherVersionCommand.self])
}
