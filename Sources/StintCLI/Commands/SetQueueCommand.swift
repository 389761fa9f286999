import ArgumentParser
import StintCore

struct SetQueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change the limits and the other settings of a queue.",
        discussion: """
            What is not given stays as it is, and unlimited ends a limit. When the command has returned, no job \
            starts that the new limits do not allow: running jobs continue and count, and jobs that a worker has \
            claimed but not started are given back.

            A rate holds in any window of its length, wherever it begins. The limits of groups are for each group of \
            its own; jobs without a group have none. With --group-concurrency 1 the jobs of a group run one after \
            the other. In the strict order, a job that failed and waits for its retry holds its group back.

            As soon as jobs have groups, groups with ready jobs take turns by their weights (stint group set), and \
            priority counts within a group. With --fair off priority alone decides.

            With --search on, free text in payloads and errors is indexed after the jobs are committed, by workers, stint \
            serve and stint reap: queries with a text of three characters or more that name the queue become fast, and \
            find the same.

            Example:
              stint queue set mail --rate 50/1s --group-concurrency 2
              stint queue set webhooks --concurrency 20 --group-concurrency 1 --group-order loose
              stint queue set mail --rate unlimited --retain 7d
              stint queue set mail --search on
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(
        help: ArgumentHelp("The most jobs that run at a time. (default: unchanged)", valueName: "n|unlimited"),
        transform: numberLimit)
    var concurrency: Limit<Int>?
    @Option(
        help: ArgumentHelp(
            "The most starts in any such time, such as 50/1s. (default: unchanged)", valueName: "n/duration|unlimited"),
        transform: rateLimit)
    var rate: Limit<Rate>?
    @Option(
        help: ArgumentHelp(
            "The most jobs of one group that run at a time. (default: unchanged)", valueName: "n|unlimited"),
        transform: numberLimit)
    var groupConcurrency: Limit<Int>?
    @Option(
        help: ArgumentHelp(
            "The most starts of one group in any such time. (default: unchanged)", valueName: "n/duration|unlimited"),
        transform: rateLimit)
    var groupRate: Limit<Rate>?
    @Option(
        help: ArgumentHelp(
            "With --group-concurrency 1: whether a group waits for the retry of its failed job. (default: unchanged)",
            valueName: "strict|loose"), transform: Self.order)
    var groupOrder: QueueLimits.GroupOrder?
    @Option(
        help: ArgumentHelp("Whether groups take turns. (default: unchanged)", valueName: "on|off"),
        transform: Self.isOn)
    var fair: Bool?
    @Option(
        help: ArgumentHelp(
            "How long jobs that are over are kept; as stint retain. (default: unchanged)", valueName: "duration"),
        transform: DurationArgument.init)
    var retain: DurationArgument?
    @Option(
        help: ArgumentHelp("Whether free text in its jobs is indexed. (default: unchanged)", valueName: "on|off"),
        transform: Self.isOn)
    var search: Bool?
    @Argument(help: "The queue; it is created if it does not exist.", transform: QueueName.init(_:))
    var name: QueueName

    private static func order(_ text: String) throws -> QueueLimits.GroupOrder {
        guard let order = QueueLimits.GroupOrder(rawValue: text) else {
            throw StintError.invalidInput("it must be strict or loose")
        }
        return order
    }

    private static func isOn(_ text: String) throws -> Bool {
        switch text {
        case "on": return true
        case "off": return false
        default: throw StintError.invalidInput("it must be on or off")
        }
    }

    private var settings: QueueSettings {
        var settings = QueueSettings(
            concurrency: concurrency, rate: rate, groupConcurrency: groupConcurrency, groupRate: groupRate,
            groupOrder: groupOrder, isFair: fair)
        settings.retention = retain?.duration
        settings.search = search
        return settings
    }

    func validate() throws {
        guard settings.changesLimits || retain != nil || search != nil else {
            throw wrongUsage("nothing was given to change: give an option, such as --rate 50/1s")
        }
    }

    func run() async throws {
        // Before the database is created.
        try settings.check()
        let queue = try await database.open(creating: creation)
        try await queue.store.configure(name, settings)
        let details = try await queue.details(of: name)
        let search = details?.search == nil ? "" : ", free text is indexed"
        try Output.print("set \(name): \(details?.limits.text ?? "no limits")\(search)")
    }
}
