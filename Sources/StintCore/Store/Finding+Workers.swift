extension Finding {
    /// How the workers write; nothing if there are none. It is always good: each way is sound, and only the speed differs.
    ///
    /// - Parameters:
    ///   - workers: All that are registered. Those that are dead do not count.
    ///   - canShare: Whether the supervisors of this store's workers write for them. Then a supervised worker that writes by
    ///     itself is named as an exception.
    package static func writers(_ workers: [WorkerRecord], canShare: Bool) -> [Finding] {
        let living = workers.filter { $0.liveness != .dead }.map(\.registration)
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
        let odd = canShare ? living.count { $0.supervisor != nil && !$0.writesThroughSupervisor } : 0
        if odd > 0 {
            text +=
                "; \(odd) of these \(odd == 1 ? "has a supervisor that does" : "have supervisors that do") not write for "
                + "\(odd == 1 ? "it" : "them"): if that is still an older Stint, start it again"
        }
        return [Finding(subject: "workers", isGood: true, description: text)]
    }
}
