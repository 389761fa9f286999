import Foundation
import StintPlatform
import StintPostgres
import Subprocess
import TestSupport

/// Three PostgreSQL servers under Patroni, with one etcd, on loopback: one takes writes, the others follow it, and one of
/// these becomes the primary when the first one has died. A PgBouncer may be in front of them.
///
/// All run as an unprivileged user in a temporary folder, and end when this process has ended, in whatever way.
package final class PatroniCluster: Sendable {
    package struct Options: Sendable {
        /// Whether a commit waits until a standby has it, and only that one may become the primary.
        package var isSynchronous = true
        /// Whether PgBouncer is in front of them, in transaction mode. Patroni tells it of each new primary.
        package var hasPooler = false

        package init() {}
    }

    /// A server by its number.
    package typealias Node = Int
    package static let nodes = 0..<3

    package let options: Options
    package let folder: String
    private let logs: String
    private let ports: Ports
    /// The write end of the pipe whose end stops everything.
    private let life: FileDescriptor

    /// Starts all of them, and returns when the servers follow their primary.
    ///
    /// - Parameter logs: A folder for what they say, which stays.
    package init(options: Options = Options(), logs: String) async throws {
        self.options = options
        self.logs = logs
        folder = NSTemporaryDirectory() + "stint-patroni-" + String(UInt64.random(in: .min ... .max), radix: 36)
        ports = try Ports()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: folder + "/logs", withDestinationPath: logs)
        // No other process may inherit the write end.
        let (input, output) = (try PostgresCluster.pipe(), try PostgresCluster.pipe())
        try PostgresCluster.spawn(
            ["setsid", "--fork", "/bin/sh", "-c", Self.script, "stint-test-patroni", folder, "keep"],
            input: input.readEnd, output: output.writeEnd)
        for end in [input.readEnd, output.writeEnd, output.readEnd] { close(end) }
        life = FileDescriptor(rawValue: input.writeEnd)
        try await tell(
            ["prepare", ports.etcd, ports.peer, ports.pooler, options.isSynchronous ? "true" : "false"]
                + ports.servers + ports.control)
        try await tell(["start-etcd"])
        for node in Self.nodes { try await start(node) }
        if options.hasPooler { try await tell(["start-pooler"]) }
        try await waitUntilComplete()
    }

    /// Ends all of them, and removes their files.
    package func stop() throws { try life.close() }

    // MARK: - Addresses

    /// Where the primary is found, without the pooler.
    package func directURL(_ database: String) -> String {
        let hosts = ports.servers.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        return "postgres://postgres@\(hosts)/\(database)?target_session_attrs=read-write&connect_timeout=2"
    }

    /// Where clients connect to.
    package func url(_ database: String) -> String {
        options.hasPooler ? "postgres://postgres@127.0.0.1:\(ports.pooler)/\(database)" : directURL(database)
    }

    /// One server alone.
    package func url(_ database: String, of node: Node) -> String {
        "postgres://postgres@127.0.0.1:\(ports.servers[node])/\(database)?connect_timeout=2"
    }

    // MARK: - Faults

    /// Starts Patroni, which starts its server.
    package func start(_ node: Node) async throws { try await tell(["start", "\(node)"]) }

    /// As when a machine dies: SIGKILL to Patroni and its server.
    package func kill(_ node: Node) async throws { try await tell(["kill", "\(node)"]) }

    /// SIGKILL to the server alone: Patroni starts it again.
    package func crash(_ node: Node) async throws { try await tell(["crash", "\(node)"]) }

    /// SIGSTOP to Patroni alone. A server whose Patroni does not move takes writes although another one has become the
    /// primary.
    package func suspendPatroni(of node: Node) async throws { try await tell(["signal", "STOP", "\(node)"]) }

    package func resumePatroni(of node: Node) async throws { try await tell(["signal", "CONT", "\(node)"]) }

    /// Stops the processes of standbys that receive the log, so that these fall behind.
    package func suspendReplication() async throws { try await tell(["signal-receivers", "STOP"]) }

    /// They start again without what they have not read.
    package func restartReplication() async throws {
        for signal in ["TERM", "CONT"] { try await tell(["signal-receivers", signal]) }
    }

    /// The server ends all connections to a database, whatever they are doing.
    package func endConnections(to database: String, of node: Node) async throws {
        try await withAdministrator(of: node) {
            _ = try await $0.run(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1", .text(database))
        }
    }

    // MARK: - What is known

    /// A server that takes writes now; `nil`: there is none.
    ///
    /// - Parameter others: Servers that are not meant.
    package func primary(besides others: Set<Node> = []) async -> Node? {
        await withTaskGroup(of: Node?.self) { group in
            for node in Self.nodes where !others.contains(node) {
                group.addTask {
                    let isPrimary = try? await self.withAdministrator(of: node) {
                        try await $0.run("SELECT pg_is_in_recovery()")[0].bool(0) == false
                    }
                    return isPrimary == true ? node : nil
                }
            }
            for await node in group { if let node { return node } }
            return nil
        }
    }

    /// Returns when a server takes writes.
    package func waitForPrimary(besides others: Set<Node> = []) async throws -> Node {
        var found: Node?
        try await eventually("a server takes writes; see \(logs)", every: .milliseconds(20)) {
            found = await primary(besides: others)
            return found != nil
        }
        return found!
    }

    /// Returns when one takes writes, both others follow it, and one of them has all that it commits.
    package func waitUntilComplete() async throws {
        try await eventually(
            "all servers follow the primary; see \(logs)", within: .seconds(120), every: .milliseconds(200)
        ) {
            guard let primary = await primary() else { return false }
            let counts = try? await withAdministrator(of: primary) {
                try await $0.run(
                    """
                    SELECT count(*), count(*) FILTER (WHERE sync_state = 'sync') FROM pg_stat_replication
                    WHERE state = 'streaming' AND usename = 'replicator'
                    """)[0]
            }
            guard let counts, try counts.int(0) == 2 else { return false }
            guard options.isSynchronous else { return true }
            // Until Patroni has written down which one it is, none may become the primary.
            guard try counts.int(1) == 1 else { return false }
            return (try? await tell(["find-synchronous"] + ports.control)) != nil
        }
    }

    /// Creates an empty database.
    package func createDatabase(_ name: String) async throws {
        try await withAdministrator(of: try await waitForPrimary()) { _ = try await $0.run("CREATE DATABASE \(name)") }
    }

    private func withAdministrator<Value: Sendable>(
        of node: Node, _ body: (PostgresConnections) async throws -> Value
    ) async throws -> Value {
        var options = PostgresConnections.Options()
        options.connections = 1
        options.connectionWait = .milliseconds(1)
        options.logger.logLevel = .critical
        let administrator = try PostgresConnections(url("postgres", of: node), options: options)
        do {
            let value = try await body(administrator)
            await administrator.close()
            return value
        } catch {
            await administrator.close()
            throw error
        }
    }

    // MARK: - The script

    /// Ports that were free a moment ago. None is one that a client's connection may get while a server is down.
    private struct Ports: Sendable {
        let etcd: String
        let peer: String
        let pooler: String
        let servers: [String]
        let control: [String]

        init() throws {
            var free: [String] = []
            while free.count < 9 {
                let port = UInt16.random(in: 10_000..<32_000)
                guard let (descriptor, _) = try? listeningSocket(port: port) else { continue }
                close(descriptor)
                if !free.contains("\(port)") { free.append("\(port)") }
            }
            (etcd, peer, pooler) = (free[0], free[1], free[2])
            (servers, control) = (Array(free[3..<6]), Array(free[6..<9]))
        }
    }

    private func tell(_ words: [String]) async throws {
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: Arguments(["-c", Self.script, "stint-test-patroni", folder] + words),
            workingDirectory: "/", output: .discarded, error: .string(limit: 4_096))
        guard result.terminationStatus.isSuccess else {
            throw ClusterFailure(
                "'\(words.joined(separator: " "))' failed (\(result.standardError)); see \(logs). Debian has what "
                    + "is needed as patroni, etcd-server, python3-etcd, postgresql and pgbouncer")
        }
    }

    /// What is done with the servers, by the second argument. Their process ids are kept in files.
    private static let script = #"""
        set -eu
        folder=$1
        verb=$2
        shift 2
        bin=$(pg_config --bindir 2>/dev/null || true)
        [ -x "$bin/initdb" ] || bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
        PATH="$bin:$PATH:/usr/sbin"
        export PATH
        cd "$folder"
        # PostgreSQL refuses root.
        user=
        if [ "$(id -u)" -eq 0 ]; then user='setpriv --reuid=postgres --regid=postgres --clear-groups'; fi
        send() { kill "-$1" "$(cat "$2")"; }
        server() { head -n 1 "node-$1/data/postmaster.pid"; }

        case "$verb" in
        keep)
            trap '' INT TERM HUP
            exec >/dev/null 2>&1
            cat
            set +e
            for node in 0 1 2; do send KILL "node-$node/pid"; kill -KILL "$(server $node)"; done
            for file in etcd.pid pooler.pid; do send KILL $file; done
            # The processes of a server end when they notice its end, and write until then.
            for attempt in $(seq 100); do
                rm -rf "$folder" && exit
                sleep 0.1
            done
            ;;
        prepare)
            etcd=$1 peer=$2 pooler=$3 synchronous=$4
            shift 4
            echo "$etcd $peer" >etcd.ports
            for node in 0 1 2; do
                mkdir -m 700 "node-$node"
                eval "port=\${$((node + 1))} control=\${$((node + 4))}"
                cat >"node-$node/patroni.yml" <<END
        scope: stint
        namespace: /stint/
        name: node-$node
        restapi: {listen: '127.0.0.1:$control', connect_address: '127.0.0.1:$control'}
        etcd3: {host: '127.0.0.1:$etcd'}
        bootstrap:
          dcs:
            ttl: 10
            loop_wait: 2
            retry_timeout: 3
            maximum_lag_on_failover: 16777216
            synchronous_mode: $synchronous
            postgresql:
              use_pg_rewind: true
              use_slots: true
              parameters: {wal_log_hints: 'on', max_connections: 200}
          initdb: [{encoding: UTF8}, no-locale, {auth: trust}]
          pg_hba:
          - local all all trust
          - host all all 127.0.0.1/32 trust
          - host replication all 127.0.0.1/32 trust
        postgresql:
          listen: 127.0.0.1:$port
          connect_address: 127.0.0.1:$port
          data_dir: $folder/node-$node/data
          bin_dir: $bin
          pgpass: $folder/node-$node/pgpass
          authentication: {superuser: {username: postgres}, replication: {username: replicator}}
          parameters: {unix_socket_directories: $folder/node-$node}
          callbacks:
            on_start: $folder/node-$node/tell-pooler
            on_role_change: $folder/node-$node/tell-pooler
        watchdog: {mode: 'off'}
        END
                # Patroni calls it with the event, the role and the name of the cluster.
                cat >"node-$node/tell-pooler" <<END
        #!/bin/sh
        case "\$2" in master | primary | promoted) ;; *) exit 0 ;; esac
        sed 's/^[*] = .*/* = host=127.0.0.1 port=$port/' $folder/pooler.ini >$folder/pooler.new.$node
        mv $folder/pooler.new.$node $folder/pooler.ini
        [ ! -e $folder/pooler.pid ] || kill -HUP "\$(cat $folder/pooler.pid)"
        END
                chmod 700 "node-$node/tell-pooler"
            done
            cat >pooler.ini <<END
        [databases]
        * = host=127.0.0.1 port=$1
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = $pooler
        unix_socket_dir =
        auth_type = trust
        auth_file = $folder/pooler.users
        pool_mode = transaction
        max_client_conn = 500
        default_pool_size = 50
        server_login_retry = 1
        server_connect_timeout = 2
        ignore_startup_parameters = extra_float_digits
        END
            echo '"postgres" ""' >pooler.users
            if [ -n "$user" ]; then chown -R -h postgres .; fi
            ;;
        start-etcd)
            read -r etcd peer <etcd.ports
            setsid $user etcd --name stint --data-dir "$folder/etcd" \
                --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \
                --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
                --initial-cluster "stint=http://127.0.0.1:$peer" >logs/etcd 2>&1 </dev/null &
            echo $! >etcd.pid
            ;;
        start)
            setsid $user patroni "$folder/node-$1/patroni.yml" >>"logs/node-$1" 2>&1 </dev/null &
            echo $! >"node-$1/pid"
            ;;
        kill)
            server=$(server "$1")
            send KILL "node-$1/pid"
            kill -KILL "$server"
            rm "node-$1/pid"
            ;;
        crash) kill -KILL "$(server "$1")" ;;
        signal) send "$1" "node-$2/pid" ;;
        signal-receivers)
            for node in 0 1 2; do
                server=$(server $node)
                for child in $(cat "/proc/$server/task/$server/children" 2>/dev/null); do
                    if grep -q walreceiver "/proc/$child/cmdline"; then kill "-$1" "$child"; fi
                done
            done
            ;;
        find-synchronous)
            python3 -c '
        import sys, urllib.request
        for port in sys.argv[1:]:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/synchronous", timeout=2)
                sys.exit(0)
            except OSError:
                pass
        sys.exit(1)' "$@"
            ;;
        start-pooler)
            setsid $user pgbouncer "$folder/pooler.ini" >>logs/pooler 2>&1 </dev/null &
            echo $! >pooler.pid
            ;;
        esac
        """#
}
