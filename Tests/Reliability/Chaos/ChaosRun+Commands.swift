extension ChaosRun {
    /// How a process of a role is started.
    func command(of post: Post, number: Int) -> (program: String, arguments: [String]) {
        wrapped(plainCommand(of: post, number: number), in: post.surroundings, number: number)
    }

    /// `stint` itself, which lies beside this program.
    var stint: String { program.replacing(#/[^/]+$/#, with: "stint") }
    /// The name under which `stint work` knows its command, and which a deploy takes away for a moment.
    var handler: String { folder + "/handler" }

    private func plainCommand(of post: Post, number: Int) -> (program: String, arguments: [String]) {
        switch post.role {
        case .command:
            let queues = Player.queues.flatMap { ["--queue", $0.description] }
            let handler = ["--", handler, "handle", "--history", historyFile, "--db", database]
            let options = [
                "--workers", "2", "--lease", "\(lease.milliseconds)ms", "--retry-delay", "20ms", "--grace", "2s",
                // More than there are files for.
                "--concurrency", post.surroundings == .fewDescriptors ? "20" : "1",
            ]
            return (stint, ["work", "--db", database] + queues + options + handler)
        case .cron: return (stint, ["reap", "--db", database])
        case .founder, .producer, .rawSQL, .worker, .supervisor, .reaper, .operator, .drain:
            var arguments = [
                "role", post.role.rawValue, "--db", database, "--history", historyFile, "--lease",
                "\(lease.milliseconds)",
                "--seed", "\(seed &+ UInt64(number))",
            ]
            if post.surroundings == .fewDescriptors { arguments.append("--hoards") }
            if isCalm { arguments.append("--calm") }
            if let listenURL = failovers?.listenURL { arguments += ["--listen", listenURL] }
            if let without { arguments += ["--without", without] }
            return (program, arguments)
        }
    }
}
