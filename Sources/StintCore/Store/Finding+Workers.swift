extension Finding {
    /// How the workers write; nothing if there are none. It is always good: each way is sound, and only the speed differs.
    ///
    /// - Parameter workers: All that are registered. Those that are dead do not count.
    package static func writers(_ workers: [WorkerRecord]) -> [Finding] {
        let records = workers.filter { $0.liveness != .dead }
        let living = records.map(\.registration)
        guard !living.isEmpty else { return [] }
        let through = living.count(where: \.writesThroughSupervisor)
        let own = living.count - through
        var parts: [String] = []
        switch through {
        case 0: break
        case 1: parts.append("1 claims and settles through its supervisor")
        default: parts.append("\(through) claim and settle through their supervisors")
        }
        switch own {
        case 0: break
        case 1: parts.append("1 claims and settles by itself")
        default: parts.append("\(own) claim and settle by themselves")
        }
        var text = parts.joined(separator: ", ")
        // Where it would not help, a supervisor of a single process does not write for it.
        let staying = records.filter { !$0.hasOrderToStop }.map(\.registration)
        let processes = Dictionary(grouping: staying, by: \.supervisor).mapValues { Set($0.map(\.process)).count }
        let exceptions = living.count {
            $0.supervisor != nil && !$0.writesThroughSupervisor && processes[$0.supervisor, default: 0] > 1
        }
        if exceptions > 0 {
            text +=
                "; \(exceptions) of these \(exceptions == 1 ? "has a supervisor that does" : "have supervisors that do") not write for "
                + "\(exceptions == 1 ? "it" : "them"): restart supervisors that run an older Stint"
        }
        return [Finding(subject: "workers", isGood: true, description: text)]
    }
}
