import Logging
import StintCore

extension PostgresConnections {
    package struct Options: Sendable {
        /// How many connections at most, besides the one that listens. They are opened when they are needed. Several
        /// calls share one: more than a few help only with long transactions.
        package var connections = 3
        /// How many calls are sent over a connection before the first of them is answered.
        package var pipelineDepth = 4
        /// How many calls may wait for a connection before further ones are refused.
        package var maxWaiting = 10_000
        /// How long a call waits for a connection, such as during a failover.
        package var connectionWait: Duration = .seconds(15)
        /// Each statement, on the server. A call that is not answered within this and `commitTimeout` together has lost
        /// its connection.
        package var statementTimeout: Duration = .seconds(30)
        /// Each wait for a lock, on the server.
        package var lockTimeout: Duration = .seconds(10)
        /// How long to wait for the answer to a commit. Then the connection is closed, and the outcome is not known.
        /// A commit is never cancelled: the server would report success, though its standby may not have it.
        package var commitTimeout: Duration = .seconds(10)
        /// How long a transaction of ours may be idle, on the server.
        package var idleInTransactionTimeout: Duration = .seconds(60)
        /// `SET name = value` on each connection. So plans do not depend on the statistics of tables that are empty
        /// half of their lives.
        package var settings = ["jit": "off", "enable_seqscan": "off"]
        package var applicationName = "stint"
        /// Whether a pooler such as PgBouncer is between, which gives each transaction another connection. Then
        /// statements are not prepared by name, and each transaction makes the settings for itself. `LISTEN` does not
        /// work through such a pooler: name the server itself with `listenURL`.
        package var isPooled = false
        /// Where the listener connects to, if that is not where the others do.
        package var listenURL: String?
        package var logger = Logger(label: "stint.postgres")
        /// The delays between tries to connect.
        package var reconnect = Backoff(first: .milliseconds(50), longest: .seconds(2), jitter: .half)

        package init() {}

        /// What is set on each connection, or in each transaction.
        var allSettings: [(name: String, value: String)] {
            var all = settings
            all["statement_timeout"] = "\(statementTimeout.milliseconds)"
            all["lock_timeout"] = "\(lockTimeout.milliseconds)"
            all["idle_in_transaction_session_timeout"] = "\(idleInTransactionTimeout.milliseconds)"
            all["standard_conforming_strings"] = "on"
            // The only sign of a cancelled wait for the standby is a warning.
            all["client_min_messages"] = "warning"
            return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }
}
