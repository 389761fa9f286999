import Foundation
import History
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The processes of a run: each that ends is replaced, until all are dismissed.
actor ProcessGroup {
    struct Member: Hashable {
        let id: Int32
        let role: Role
        /// Whether its supervisor has started it.
        var isSupervised = false
    }

    private let run: ChaosRun
    private let log: HistoryLog
    private var members: Set<Member> = []
    private var started = 0
    private(set) var isDismissed = false
    /// Processes that ended in a way that is not allowed.
    private(set) var troubles: [String] = []
    private var killed: Set<Int32> = []
    private var ordered: Set<Int32> = []

    init(_ run: ChaosRun, _ log: HistoryLog) {
        self.run = run
        self.log = log
    }

    /// Living processes, with the workers of supervisors.
    var living: [Member] {
        members.sorted { $0.id < $1.id }.flatMap { member in
            let children = [.supervisor, .command].contains(member.role) ? Self.children(of: member.id) : []
            return [member] + children.map { Member(id: $0, role: .worker, isSupervised: true) }
        }
    }

    func keepUp(_ role: Role, _ number: Int) async throws {
        while !isDismissed && !Task.isCancelled {
            try await runOnce(role)
            if role == .cron { try await Task.sleep(for: .milliseconds(200)) }
        }
    }

    func keepUpUntilDismissed(_ role: Role) async throws {
        isDismissed = false
        try await keepUp(role, 0)
    }

    /// Ends all processes in order, and first continues those that are stopped.
    func dismiss() {
        isDismissed = true
        for member in living {
            kill(member.id, SIGCONT)
            if !member.isSupervised { kill(member.id, SIGTERM) }
        }
    }

    /// Its jobs may kill it.
    func runUntilGood(_ role: Role) async throws {
        while try await runOnce(role) != .exited(0), !Task.isCancelled {}
    }

    @discardableResult
    func runOnce(_ role: Role) async throws -> TerminationStatus {
        started += 1
        let (program, arguments) = run.command(of: role, number: started)
        let errors = try FileDescriptor.open(
            run.errorFile, .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), input: .none, output: .discarded,
            error: .fileDescriptor(errors, closeAfterSpawningProcess: true)
        ) { execution in
            self.enter(Member(id: execution.processIdentifier.value, role: role))
            return execution.processIdentifier.value
        }
        leave(result.closureResult, role, result.terminationStatus)
        return result.terminationStatus
    }

    private func enter(_ member: Member) {
        members.insert(member)
        // It was started too late to get the signal.
        if isDismissed && member.role != .drain { kill(member.id, SIGTERM) }
    }

    private func leave(_ id: Int32, _ role: Role, _ status: TerminationStatus) {
        members.remove(Member(id: id, role: role))
        let isPoisoned =
            role == .worker || role == .drain
            ? [.exited(JobKind.poisonedExit), .signaled(SIGKILL)].contains(status) : false
        // It was ordered to end before it had installed its signal handler.
        let isDeaf = (isDismissed || ordered.contains(id)) && status == .signaled(SIGTERM)
        let isExpected =
            status == .exited(0) || killed.contains(id) && status == .signaled(SIGKILL) || isPoisoned || isDeaf
        if !isExpected { troubles.append("a \(role) ended with \(status); see \(run.errorFile)") }
    }

    func kill(_ member: Member) {
        log.append(.killed, of: ProcessName.of(member.id))
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
        var tree = [member.id]
        var next = 0
        while next < tree.count {
            tree += Self.children(of: tree[next])
            next += 1
        }
        ordered.formUnion(tree)
        for id in tree.reversed() {
            kill(id, SIGCONT)
            kill(id, SIGTERM)
        }
    }

    func stop(_ member: Member) {
        log.append(.stopped, of: ProcessName.of(member.id))
        kill(member.id, SIGSTOP)
    }

    func goOn(_ member: Member) {
        log.append(.continued, of: ProcessName.of(member.id))
        kill(member.id, SIGCONT)
    }

    private nonisolated func kill(_ id: Int32, _ signal: Int32) {
        _ = Foundation.kill(id, signal)
    }

    private static func children(of parent: Int32) -> [Int32] {
        let path = "/proc/\(parent)/task/\(parent)/children"
        guard let text = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
    }
}
