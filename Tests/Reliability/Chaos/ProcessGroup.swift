import Foundation
import History
import StintPlatform
import Subprocess

/// The processes of a run: each that ends is replaced, until all are dismissed.
actor ProcessGroup {
    struct Member: Hashable {
        let id: Int32
        let role: Role
        /// Whether its supervisor has started it.
        var isSupervised = false
        /// The process keeps a container, in which the role is played.
        var isContainer = false
        var hasFewDescriptors = false
    }

    /// How long a process has to end in order.
    private static let patience: Duration = .seconds(60)

    private let run: ChaosRun
    private let log: HistoryLog
    private let sign: HarnessSign
    private var members: Set<Member> = []
    private var started = 0
    private(set) var isDismissed = false
    /// Processes that ended in a way that is not allowed.
    private(set) var troubles: [String] = []
    /// The processes that have been at each post, by their names in the history.
    private(set) var names: [Post: [String]] = [:]
    private var killed: Set<Int32> = []
    private var ordered: Set<Int32> = []
    /// Roles that nobody takes up at the moment.
    private var held: Set<Role> = []
    private var beingStarted = 0
    /// How often a replacement of the database was begun and ended.
    private var replacements = (begun: 0, ended: 0)

    init(_ run: ChaosRun, _ log: HistoryLog) throws {
        self.run = run
        self.log = log
        sign = try HarnessSign(beside: run.historyFile)
    }

    /// Living processes, with the workers of supervisors.
    var living: [Member] {
        members.sorted { $0.id < $1.id }.flatMap { member in
            let hasWorkers = [.supervisor, .command].contains(member.role) && !member.isContainer
            let children = hasWorkers ? Self.children(of: member.id) : []
            return [member] + children.map { Member(id: $0, role: .worker, isSupervised: true) }
        }
    }

    func keepUp(_ role: Role, _ number: Int) async throws {
        try await keepUp(Post(role: role, number: number))
    }

    func keepUp(_ post: Post) async throws {
        while !isDismissed && !Task.isCancelled {
            if held.contains(post.role) {
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            try await runOnce(post)
            if post.role == .cron { try await Task.sleep(for: .milliseconds(200)) }
        }
    }

    func keepUpUntilDismissed(_ role: Role) async throws {
        isDismissed = false
        try await keepUp(role, 0)
    }

    /// All end in order; who was stopped goes on before. A container is killed, as is usual.
    func dismiss() {
        isDismissed = true
        for member in living {
            if member.isContainer {
                kill(member)
            } else {
                kill(member.id, SIGCONT)
                if !member.isSupervised { kill(member.id, SIGTERM) }
            }
        }
        Task {
            try await Task.sleep(for: Self.patience)
            killDeaf()
        }
    }

    /// A process that had no descriptor left as it began cannot be told of signals by the runtime; as a service manager does,
    /// it is killed after a while.
    private func killDeaf() {
        guard isDismissed else { return }
        for member in members where member.hasFewDescriptors { kill(member) }
    }

    /// Its jobs may kill it.
    func runUntilGood(_ role: Role) async throws {
        while try await runOnce(role) != .exited(0), !Task.isCancelled {}
    }

    @discardableResult
    func runOnce(_ role: Role) async throws -> TerminationStatus {
        try await runOnce(Post(role: role, number: 0))
    }

    @discardableResult
    private func runOnce(_ post: Post) async throws -> TerminationStatus {
        started += 1
        beingStarted += 1
        let ended = replacements.ended
        let (program, arguments) = run.command(of: post, number: started)
        let errors = try FileDescriptor.open(
            run.errorFile, .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), input: .none, output: .discarded,
            error: .fileDescriptor(errors, closeAfterSpawningProcess: true)
        ) { execution in
            let member = Member(
                id: execution.processIdentifier.value, role: post.role,
                isContainer: post.surroundings == .container,
                hasFewDescriptors: post.surroundings == .fewDescriptors)
            self.enter(member, post)
            return member
        }
        let hasMetReplacement = ended < replacements.begun
        leave(result.closureResult, post, result.terminationStatus, hasMetReplacement: hasMetReplacement)
        return result.terminationStatus
    }

    private func enter(_ member: Member, _ post: Post) {
        beingStarted -= 1
        members.insert(member)
        names[post, default: []].append(ProcessName.of(member.id))
        // Those of the drain are started when all others are dismissed.
        guard isDismissed, member.role != .founder, member.role != .drain else { return }
        // It came too late to hear it.
        if member.isContainer { kill(member) } else { kill(member.id, SIGTERM) }
    }

    private func leave(_ member: Member, _ post: Post, _ status: TerminationStatus, hasMetReplacement: Bool) {
        members.remove(member)
        let isPoisoned =
            post.role == .worker || post.role == .drain
            ? [.exited(JobKind.poisonedExit), .signaled(SIGKILL)].contains(status) : false
        // Told to end before it had learnt to listen.
        let isDeaf = (isDismissed || ordered.contains(member.id)) && status == .signaled(SIGTERM)
        let isExpected =
            status == .exited(0) || killed.contains(member.id) && status == .signaled(SIGKILL) || isPoisoned || isDeaf
            || hasMetReplacement && status == .exited(RoleExit.databaseUnusable)
            || post.surroundings == .fewDescriptors && status == .signaled(Hoarder.deathOfDispatch)
            || post.surroundings == .ownBootID && status == .exited(RoleExit.killedWhileCovering)
            || run.moves > 0 && post.role == .command && status == .exited(RoleExit.commandMissing)
        guard !isExpected else { return }
        troubles.append("a \(post.role) (\(post.surroundings)) ended with \(status); see \(run.errorFile)")
    }

    /// A container with all in it.
    func kill(_ member: Member) {
        for id in member.isContainer ? Self.tree(of: member.id) : [member.id] {
            log.append(.killed, of: ProcessName.of(id))
        }
        killed.insert(member.id)
        kill(member.id, SIGKILL)
    }

    /// Stops it until a lease has run out, and a while longer.
    func pause(_ member: Member, for duration: Duration) async throws {
        stop(member)
        try await Task.sleep(for: duration)
        goOn(member)
    }

    func pauseAll(for duration: Duration) async throws {
        let all = living
        for member in all { stop(member) }
        try await Task.sleep(for: duration)
        for member in all.reversed() { goOn(member) }
    }

    /// Sends SIGTERM to it, its workers and their commands, those first. A process without its signal handler yet dies
    /// of it.
    func orderTree(of member: Member) {
        let tree = Self.tree(of: member.id)
        ordered.formUnion(tree)
        for id in tree.reversed() {
            kill(id, SIGCONT)
            kill(id, SIGTERM)
        }
    }

    func stop(_ member: Member) {
        for id in member.isContainer ? Self.tree(of: member.id) : [member.id] {
            log.append(.stopped, of: ProcessName.of(id))
            kill(id, SIGSTOP)
        }
    }

    func goOn(_ member: Member) {
        for id in (member.isContainer ? Self.tree(of: member.id) : [member.id]).reversed() {
            log.append(.continued, of: ProcessName.of(id))
            kill(id, SIGCONT)
        }
    }

    // MARK: - While the database is replaced

    /// From now on a process may find that the database is not the one that it has open.
    func beginReplacement() { replacements.begun += 1 }
    func endReplacement() { replacements.ended = replacements.begun }

    /// Nobody takes up these roles until they are free again, and who plays them is killed.
    func hold(_ roles: Set<Role>) async throws {
        held.formUnion(roles)
        while true {
            let left = members.filter { roles.contains($0.role) }
            if left.isEmpty && beingStarted == 0 { return }
            for member in left where !killed.contains(member.id) { kill(member) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Nobody begins, and all that are there are stopped.
    func freeze() async throws -> [Member] {
        held.formUnion(Role.allCases)
        while beingStarted > 0 { try await Task.sleep(for: .milliseconds(1)) }
        // Supervisors first, so that they start nobody meanwhile.
        for member in members where !member.isContainer { stop(member) }
        let all = living
        for member in all where member.isContainer || member.isSupervised { stop(member) }
        return all
    }

    func thaw(_ members: [Member]) {
        for member in members.reversed() { goOn(member) }
    }

    func release() { held = [] }

    /// Whether a process of the processes has a file open that has lost its name.
    func someoneHasOpen(_ names: Set<String>) -> Bool {
        members.flatMap { Self.tree(of: $0.id) }.contains { id in
            let folder = "/proc/\(id)/fd"
            // It may be gone.
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return files.contains {
                names.contains((try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")) ?? "")
            }
        }
    }

    func note(_ trouble: String) { troubles.append(trouble) }

    // MARK: - Processes

    private nonisolated func kill(_ id: Int32, _ signal: Int32) {
        _ = Foundation.kill(id, signal)
    }

    /// The process itself first, then its children, then theirs.
    private static func tree(of root: Int32) -> [Int32] {
        var tree = [root]
        var next = 0
        while next < tree.count {
            tree += children(of: tree[next])
            next += 1
        }
        return tree
    }

    /// Those of all its threads: a supervisor has one that starts its workers.
    private static func children(of parent: Int32) -> [Int32] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(parent)/task")) ?? []
        return threads.flatMap { thread -> [Int32] in
            let text = FileManager.default.contents(atPath: "/proc/\(parent)/task/\(thread)/children") ?? Data()
            return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
        }
    }
}
