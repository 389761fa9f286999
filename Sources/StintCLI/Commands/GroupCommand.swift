import ArgumentParser

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Weight the groups of a queue, and list them.",
        discussion: """
            A job's group is its tenant, customer, host or account: stint put --group. Groups with ready jobs take \
            turns. Their limits are those of their queue: stint queue set.

            Example:
              stint group set mail acme --weight 3
              stint group list mail
            """,
        subcommands: [SetGroupCommand.self, ListGroupsCommand.self])
}
