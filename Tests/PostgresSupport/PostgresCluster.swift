import CStint
import Foundation
import StintPlatform
import StintPostgres
import Subprocess
import Synchronization

/// A PostgreSQL server of the tests' own, with a socket in a temporary folder and no port. It starts with the first test
/// that needs it, and is stopped and removed when the test process has ended, in whatever way: a shell waits for the end
/// of a pipe that the test process holds.
///
/// `STINT_TEST_POSTGRES=postgres://…` makes the tests use another server. Its user must be allowed to create databases.
package final class PostgresCluster: Sendable {
    /// For ordinary tests: commits are not flushed to the disk.
    package static let shared = Shared()

    /// Whether the tests start servers themselves, which some of them need.
    package static let isOwn = ProcessInfo.processInfo.environment["STINT_TEST_POSTGRES"] == nil

    /// Whether PostgreSQL's programs are here, from which a server of the tests' own is made.
    package static func isInstalled() async throws -> Bool {
        let search = "PATH=\"$(pg_config --bindir 2>/dev/null || true):$PATH\"; command -v initdb && command -v pg_ctl"
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", search], output: .discarded, error: .discarded)
        return result.terminationStatus.isSuccess
    }

    /// Starts the server once.
    package final class Shared: Sendable {
        private let cluster = Mutex<Result<PostgresCluster, any Error>?>(nil)

        package func get() throws -> PostgresCluster {
            try cluster.withLock { cluster in
                if let cluster { return try cluster.get() }
                let started = Result {
                    if let other = ProcessInfo.processInfo.environment["STINT_TEST_POSTGRES"] {
                        return PostgresCluster(url: other)
                    }
                    return try PostgresCluster(settings: ["fsync": "off"])
                }
                cluster = started
                return try started.get()
            }
        }

        /// The URL of a new, empty database.
        package func database() async throws -> String { try await get().createDatabase() }
    }

    private enum Place: Sendable {
        case folder(String)
        case elsewhere(String)
    }

    private let place: Place
    /// The write end of the pipe whose end stops the server.
    private let life: FileDescriptor?

    private init(url: String) {
        place = .elsewhere(url)
        life = nil
    }

    /// Starts a server of its own.
    ///
    /// - Parameters:
    ///   - settings: Lines of postgresql.conf.
    ///   - primary: The server whose standby it is; `nil` for a server with new databases.
    package init(settings: [String: String] = [:], standbyOf primary: PostgresCluster? = nil) throws {
        let folder = NSTemporaryDirectory() + "stint-pg-" + String(UInt64.random(in: .min ... .max), radix: 36)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        // No other process may inherit the write end, or the server would outlive the tests.
        let (input, output) = (try Self.pipe(), try Self.pipe())
        try Self.spawn(
            ["setsid", "--fork", "/bin/sh", "-c", Self.script, "stint-test-postgres", folder, primary?.folder ?? ""]
                + settings.sorted { $0.key < $1.key }.map { "\($0.key) = '\($0.value)'" },
            input: input.readEnd, output: output.writeEnd)
        for end in [input.readEnd, output.writeEnd] { close(end) }
        var said: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64)
        while !said.contains(UInt8(ascii: "\n")) {
            let count = read(output.readEnd, &buffer, buffer.count)
            if count <= 0 { break }
            said += buffer.prefix(count)
        }
        close(output.readEnd)
        let life = FileDescriptor(rawValue: input.writeEnd)
        guard String(decoding: said, as: UTF8.self) == "ready\n" else {
            try life.close()
            throw ClusterFailure("PostgreSQL did not start; its messages are above. Debian has it as 'postgresql'.")
        }
        self.life = life
        place = .folder(folder)
    }

    static func pipe() throws -> (readEnd: Int32, writeEnd: Int32) {
        var ends: [Int32] = [-1, -1]
        guard stint_pipe(&ends) == 0 else { throw ClusterFailure("a pipe cannot be created: \(systemError())") }
        return (ends[0], ends[1])
    }

    /// Runs `setsid --fork`, which ends at once. So the shell has a session of its own, and Ctrl-C does not end the server
    /// before the tests; and it is no child of this process: one that has ended and that nobody waits for keeps the thread
    /// busy with which Swift Testing waits for exit tests.
    static func spawn(_ command: [String], input: Int32, output: Int32) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        let arguments = command.map { strdup($0) }
        let environment = ProcessInfo.processInfo.environment.map { strdup("\($0)=\($1)") }
        defer { for text in arguments + environment { free(text) } }
        var process = pid_t()
        let error = posix_spawnp(&process, command[0], &actions, nil, arguments + [nil], environment + [nil])
        guard error == 0 else { throw ClusterFailure("'\(command[0])' cannot be started: \(systemError(error))") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    }

    /// Stops the server at once, as a crash does, and removes its files.
    package func stop() throws { try life?.close() }

    /// Where to connect to one of its databases.
    package func url(_ database: String) -> String {
        switch place {
        case .folder(let folder):
            let host = folder.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? folder
            return "postgres://postgres@\(host)/\(database)"
        case .elsewhere(let url):
            guard var parts = URLComponents(string: url) else { return url }
            parts.path = "/" + database
            return parts.string ?? url
        }
    }

    /// The folder of its socket and its data; `nil` if it is not one of the tests' own.
    package var folder: String? {
        if case .folder(let folder) = place { folder } else { nil }
    }

    /// The URL of a new, empty database.
    package func createDatabase() async throws -> String {
        let name = "stint_test_" + String(UInt64.random(in: .min ... .max), radix: 36)
        let administrator = try PostgresConnections(url("postgres"))
        _ = try await administrator.run("CREATE DATABASE \(name)")
        await administrator.close()
        return url(name)
    }

    private static let script = """
        set -eu
        cd /
        trap '' INT TERM HUP
        folder=$1
        primary=$2
        shift 2
        PATH="$(pg_config --bindir 2>/dev/null || true):$PATH"
        export PATH
        user=
        : >"$folder/log"
        # initdb refuses root.
        if [ "$(id -u)" -eq 0 ]; then
            chown -R postgres "$folder"
            user='setpriv --reuid=postgres --regid=postgres --clear-groups'
        fi
        {
            if [ -n "$primary" ]; then
                $user pg_basebackup -h "$primary" -U postgres -D "$folder/data" -R -c fast --no-sync >>"$folder/log" 2>&1
            else
                $user initdb -D "$folder/data" -U postgres -A trust --no-locale -E UTF8 --no-sync >>"$folder/log"
                # For the test of a wrong password.
                sed -i '1i local all with_password scram-sha-256' "$folder/data/pg_hba.conf"
            fi
            {
                echo "listen_addresses = ''"
                echo "unix_socket_directories = '$folder'"
                echo "max_connections = 200"
                for line in "$@"; do echo "$line"; done
            } >>"$folder/data/postgresql.conf"
            if grep -q "^ssl = 'on'" "$folder/data/postgresql.conf"; then
                $user openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \\
                    -subj /CN=localhost -addext subjectAltName=DNS:localhost \\
                    -keyout "$folder/data/server.key" -out "$folder/data/server.crt" >>"$folder/log" 2>&1
            fi
            $user pg_ctl -D "$folder/data" -l "$folder/log" -w -t 120 start >/dev/null </dev/null
        } || { cat "$folder/log" >&2; rm -rf "$folder"; exit 1; }
        echo ready
        exec >/dev/null 2>&1
        cat
        $user pg_ctl -D "$folder/data" -m immediate -w stop
        rm -rf "$folder"
        """
}

/// Why there is no server to test with.
package struct ClusterFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
