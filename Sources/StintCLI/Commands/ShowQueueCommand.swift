import ArgumentParser
import StintCore

struct ShowQueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a queue's settings, what of its limits is used now, and what happened in the last hour.",
        discussion: """
            Times are bounds, below which half of them or 99% are: the true ones are at most as long, and more than half as \
            long.

            Example:
              stint queue show mail
              stint queue show mail --json | jq .limits.rate
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The queue.", transform: QueueName.init(_:))
    var name: QueueName
    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        guard let details = try await queue.details(of: name) else {
            throw try await QueueHints.missing(name, in: queue)
        }
        let activity = try await queue.activity(of: name)
        if json { return try Output.print(try jsonLine(QueueDocument(details, activity))) }
        try Output.print(ShowCommand.text(rows(of: details, activity)))
    }

    private func rows(of queue: QueueDetails, _ activity: QueueActivity?) -> [(String, String)] {
        let (stats, limits) = (queue.stats, queue.limits)
        func jobs(_ isShown: (JobState) -> Bool) -> String {
            JobState.allCases.filter(isShown).map { "\(stats.count(of: $0)) \($0.rawValue)" }.joined(separator: ", ")
        }
        var rows: [(String, String)] = [
            ("queue", stats.name.description + (stats.pauseText.map { ", \($0)" } ?? "")),
            ("jobs", jobs(\.isUnfinished)),
            ("", jobs { !$0.isUnfinished }),
        ]
        if let activity { rows += ActivityText(activity: activity).rows }
        rows += [
            (
                "kept",
                queue.retention > .zero
                    ? "for \(queue.retention.unitsText) when they are over"
                    : "not at all when they are over"
            ),
            ("search", search(of: queue)),
            ("concurrency", limits.concurrency.map { "\(stats.leased) of \($0) running" } ?? "unlimited"),
            ("rate", rate(of: queue)),
        ]
        let weights = limits.isFair ? "they take turns" : "priority alone decides (not fair)"
        rows.append(("groups", queue.groups == 0 ? "none" : "\(queue.groups); \(weights)"))
        guard queue.groups > 0 || limits.limitsGroups || !limits.isFair else { return rows }
        if queue.groups == 0, !limits.isFair { rows[rows.count - 1].1 = "none; \(weights)" }
        rows.append(("group concurrency", groupConcurrency(limits)))
        rows.append(("group rate", limits.groupRate.map { "at most \($0) for each group" } ?? "unlimited"))
        return rows
    }

    private func search(of queue: QueueDetails) -> String {
        guard let search = queue.search else { return "free text is not indexed" }
        let size =
            "\(search.jobs) \(search.jobs == 1 ? "job" : "jobs") indexed, \(Format.memory(bytes: Int64(search.bytes))) of text"
        return size + (search.isBehind ? "; more to come, by a worker or stint reap" : "")
    }

    private func rate(of queue: QueueDetails) -> String {
        guard let rate = queue.limits.rate else { return "unlimited" }
        let next = queue.nextStart.map { ", \(WaitReason.text(nextStart: $0))" } ?? ""
        return "at most \(rate); \(queue.startsInWindow) started in the last \(rate.window.unitsText)\(next)"
    }

    private func groupConcurrency(_ limits: QueueLimits) -> String {
        guard let most = limits.groupConcurrency else { return "unlimited" }
        guard most == 1 else { return "at most \(most) of each group run" }
        return "one of each group runs, in "
            + (limits.isStrict
                ? "strict order: a job that waits for its retry holds its group back"
                : "loose order: a job that waits for its retry lets the next one run")
    }
}
