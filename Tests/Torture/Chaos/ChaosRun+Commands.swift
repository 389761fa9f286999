extension ChaosRun {
    /// How a process of a role is started.
    func command(of role: Role, number: Int) -> (program: String, arguments: [String]) {
        let stint = program.replacing(#/[^/]+$/#, with: "stint")
        switch role {
        case .command:
            let queues = Player.queues.flatMap { ["--queue", $0.description] }
            let handler = ["--", program, "handle", "--history", historyFile, "--db", database]
            let options = [
                "--workers", "2", "--lease", "\(lease.milliseconds)ms", "--retry-delay", "20ms", "--grace", "2s",
            ]
            return (stint, ["work", "--db", database] + queues + options + handler)
        case .cron: return (stint, ["reap", "--db", database])
        case .founder, .producer, .rawSQL, .worker, .supervisor, .reaper, .operator, .drain:
            var arguments = [
                "role", role.rawValue, "--db", database, "--history", historyFile, "--lease", "\(lease.milliseconds)",
                "--seed", "\(seed &+ UInt64(number))",
            ]
            if isCalm { arguments.append("--calm") }
            if let without { arguments += ["--without", without] }
            return (program, arguments)
        }
    }
}
