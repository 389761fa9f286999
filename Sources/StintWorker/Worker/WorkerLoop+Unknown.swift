import Logging
import StintCore

/// Jobs of kinds that this worker has no handler for: a worker of another version may have one.
extension WorkerLoop {
    /// How long another worker has to take such a job before this one may be given it again.
    private static let refusalDelay: Duration = .seconds(5)
    /// The most kinds whose warnings are counted. Names come from outside.
    private static let mostKinds = 1_000

    func refuse(_ job: LeasedJob, _ unknown: UnknownJob) {
        finish(
            job,
            .refuse(
                reason: unknown.reason, retryAfter: Self.refusalDelay, patience: options.unknownJobPatience))
        if refusals.count >= Self.mostKinds, refusals[unknown.name] == nil { refusals = [:] }
        guard let times = refusals[unknown.name, default: RepeatedNotice()].happened(at: .now) else { return }
        logger.warning(
            "a job was given back because this worker has no handler for it; it is buried if no other worker has one",
            metadata: [
                "job": "\(job.id)", "queue": "\(job.queue)", "reason": "\(unknown.reason)", "times": "\(times)",
                "buried-after": "\(options.unknownJobPatience)",
            ])
    }
}
