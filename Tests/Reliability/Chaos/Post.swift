import Foundation

/// What one process of a processes is there for. Whoever ends at a post is replaced there.
struct Post: Hashable, Sendable {
    let role: Role
    let number: Int
    var surroundings = Surroundings.plain
}

/// What is around a process.
enum Surroundings: Hashable, Sendable {
    case plain
    /// A boot id of its own, or none that it can read, as in some containers.
    case ownBootID
    /// A pid namespace of its own, which is killed with all in it.
    case container
    /// It may have few files open, and now and then has as many.
    case fewDescriptors
}

extension ChaosRun {
    /// Who is there all the time: the roles, and besides it those with surroundings of their own.
    var posts: [Post] {
        let plain = roles.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { role, count in
            (0..<count).map { Post(role: role, number: $0) }
        }
        // Whoever judges others by their boot ids is among them.
        let watched: [Role] = isOfCommands ? [.command, .cron] : [.supervisor, .reaper, .worker]
        return plain
            + (0..<bootIDs).map { number in
                Post(role: watched[number % watched.count], number: number, surroundings: .ownBootID)
            }
            + (0..<containers).map { Post(role: watched[0], number: $0, surroundings: .container) }
            + (0..<descriptors).map { number in
                Post(role: isOfCommands ? .command : .worker, number: number, surroundings: .fewDescriptors)
            }
    }

    private var isOfCommands: Bool { roles[.command] != nil }

    /// What this machine does not let it have, and why; it is left out.
    mutating func leaveOutWhatCannotBe() async throws -> [String] {
        var missing: [String] = []
        for (number, id) in Self.bootIDsOfContainers.enumerated() {
            try Data("\(id)\n".utf8).write(to: URL(filePath: "\(folder)/boot-\(number)"))
        }
        if bootIDs > 0, await !succeeds(in: .ownBootID) {
            bootIDs = 0
            missing.append("no boot ids of their own: /proc/sys/kernel/random/boot_id cannot be covered here")
        }
        if containers > 0, await !succeeds(in: .container) {
            containers = 0
            missing.append("no containers: pid namespaces cannot be made here")
        }
        return missing
    }

    /// A command in its surroundings. Each runs its program in its own place, so the process id is its own; but for a container,
    /// where it is that of the process that keeps the container.
    func wrapped(
        _ command: (program: String, arguments: [String]), in surroundings: Surroundings, number: Int
    ) -> (program: String, arguments: [String]) {
        let inner = [command.program] + command.arguments
        switch surroundings {
        case .plain: return command
        case .ownBootID:
            let file = "\(folder)/boot-\(number % Self.bootIDsOfContainers.count)"
            let cover = "mount --bind '\(file)' /proc/sys/kernel/random/boot_id && exec \"$0\" \"$@\""
            return (Self.unshare, ["--mount", "sh", "-c", cover] + inner)
        case .container: return (Self.unshare, ["--pid", "--mount-proc", "--fork", "--kill-child"] + inner)
        case .fewDescriptors:
            return ("/bin/sh", ["-c", "ulimit -n \(48 + number % 3 * 8) && exec \"$0\" \"$@\""] + inner)
        }
    }

    /// Of three containers one hides it.
    private static let bootIDsOfContainers = [
        "unknown", "6c2f1a9e-0000-4000-8000-000000000001", "6c2f1a9e-0000-4000-8000-000000000002",
    ]
    private static let unshare = "/usr/bin/unshare"

    private func succeeds(in surroundings: Surroundings) async -> Bool {
        let (program, arguments) = wrapped(("true", []), in: surroundings, number: 0)
        return await Tool.run(program, arguments) == .exited(0)
    }
}
