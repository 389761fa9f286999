import StintPostgres
import Subprocess

/// What happens to servers.
extension PostgresCluster {
    /// The server ends all other connections to its databases, whatever they are doing.
    package func endConnections() async throws {
        let administrator = try PostgresConnections(url("postgres"))
        _ = try await administrator.run(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            """)
        await administrator.close()
    }

    /// Kills the server with SIGKILL, starts it again, and returns when it takes connections.
    package func crash() async throws { try await startAgain(after: "crash") }

    /// Stops the server in order, which ends all its connections, starts it again, and returns when it takes connections.
    package func restart() async throws { try await startAgain(after: "stop") }

    private func startAgain(after end: String) async throws {
        guard let folder else { throw ClusterFailure("only a server of the tests' own can be stopped or killed") }
        let result = try await Subprocess.run(
            .name("flock"),
            // One after the other; and the server does not keep the lock.
            arguments: [
                "-o", folder + "/crashes", "/bin/sh", "-c", Self.startScript, "stint-test-postgres", folder, end,
            ],
            workingDirectory: "/", output: .discarded, error: .discarded)
        guard result.terminationStatus.isSuccess else {
            throw ClusterFailure("PostgreSQL did not start again; see \(folder)/log")
        }
    }

    /// The processes of a server whose first one was killed end when they notice it, and only then can it start again.
    private static let startScript = """
        set -u
        folder=$1
        PATH="$(pg_config --bindir 2>/dev/null || true):$PATH"
        export PATH
        user=
        if [ "$(id -u)" -eq 0 ]; then user='setpriv --reuid=postgres --regid=postgres --clear-groups'; fi
        case $2 in
            crash) kill -9 "$(head -n 1 "$folder/data/postmaster.pid")" ;;
            stop) $user pg_ctl -D "$folder/data" -m fast -w -t 60 stop >/dev/null 2>&1 </dev/null ;;
        esac
        for attempt in $(seq 200); do
            # In a session of its own, as at its first start.
            setsid $user pg_ctl -D "$folder/data" -l "$folder/log" -w -t 60 start >/dev/null 2>&1 </dev/null && exit 0
            sleep 0.05
        done
        exit 1
        """
}
