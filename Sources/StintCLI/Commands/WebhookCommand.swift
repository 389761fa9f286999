import ArgumentParser

struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook",
        abstract: "Tell other programs, such as Slack, of burials, deaths and full queues.",
        discussion: """
            Whatever reaps (stint work, stint reap, stint serve) notices what a webhook is to be told, and enqueues a \
            job for each message in the queue stint.webhooks. stint serve sends them, and tries again if the receiver \
            does not take one. docs/webhooks.md describes the messages and their signatures.

            Example:
              stint webhook set ops https://hooks.example.com/ --on 'backlog:mail>10000'
              stint webhook test ops
            """,
        subcommands: [
            SetWebhookCommand.self, ListWebhooksCommand.self, ShowWebhookCommand.self, TestWebhookCommand.self,
            DeleteWebhookCommand.self,
        ])
}
