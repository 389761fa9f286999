import ArgumentParser
import StintCore

/// How to queue a job: for `put`, and for the jobs of a schedule.
struct JobArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The queue. (default: default)", valueName: "q"), transform: QueueName.init(_:))
    var queue: QueueName = .default
    @Option(help: ArgumentHelp("0 to 4294967295; jobs with a smaller number run first.", valueName: "n"))
    var priority: UInt32 = 1_024
    @Option(
        help: ArgumentHelp("How long to wait before the job is ready. (default: 0s)", valueName: "duration"),
        transform: DurationArgument.init)
    var delay = DurationArgument.seconds(0)
    @Option(help: ArgumentHelp("After how many failed or crashed attempts the job is buried.", valueName: "n"))
    var maxAttempts = 10
    @Option(help: ArgumentHelp("After how many deaths of its process the job is buried.", valueName: "n"))
    var maxCrashes = 3
    @Option(
        help: ArgumentHelp(
            "Add nothing while a job of the queue with this key is not done. (default: none)", valueName: "key"))
    var unique: String?
    @Option(
        name: .customLong("header"),
        help: ArgumentHelp("A header for the handler; may be repeated. (default: none)", valueName: "k=v"))
    var headers: [String] = []

    func options() throws -> JobOptions {
        var options = JobOptions(
            priority: priority, delay: delay.duration, maxAttempts: maxAttempts, maxCrashes: maxCrashes,
            uniqueKey: unique)
        for header in headers {
            // Searches code points: with a combining accent after it, `=` would be part of another character.
            guard let equals = header.unicodeScalars.firstIndex(of: "=") else {
                throw wrongUsage("the header \(quoted(header)) has no '=': write --header name=value")
            }
            try options.headers.set(
                String(header[..<equals]), to: String(header[header.unicodeScalars.index(after: equals)...]))
        }
        return options
    }
}
