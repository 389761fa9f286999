/// Checks jobs that were called off, or whose time was over.
extension HistoryChecker {
    func cancelViolations() -> [Violation] {
        var found: [Violation] = []
        for (id, jobHistory) in history.jobHistories.sorted(by: { $0.key < $1.key }) {
            let claims = jobHistory.claims
            for cancel in jobHistory.certainCancels {
                guard cancel.outcome == .returned(.done), !history.mayBeUndone(cancel) else { continue }
                for run in jobHistory.runs where run.started > cancel.ended {
                    let wait = (history.times[run.started] - history.times[cancel.ended]) / 1_000_000
                    guard wait > firstWord, !wasStoppedAtStart(run, claims) else { continue }
                    found.append(
                        Violation(
                            .ranAfterCancel,
                            "job \(id), cancelled at line \(cancel.ended): token \(run.lease.token) was started by "
                                + "\(run.process) at line \(run.started), \(wait) ms later"))
                }
                if let claim = claims.first(where: { $0.invoked > cancel.ended }) {
                    found.append(
                        Violation(
                            .ranAfterCancel,
                            "job \(id), cancelled at line \(cancel.ended), was claimed at line \(claim.returned)"))
                }
                if let job = final.jobs.first(where: { $0.id == id }), job.states != ["cancelled"],
                    !jobHistory.deletes.contains(where: \.mayHaveHappened)
                {
                    found.append(
                        Violation(.cancelLost, "job \(id), cancelled at line \(cancel.ended), is \(job.states)"))
                }
            }
        }
        for job in final.jobs where job.states == ["cancelled"] {
            guard history.jobHistories[job.id]?.cancels.contains(where: \.mayHaveHappened) != true else { continue }
            found.append(Violation(.cancelLost, "job \(job.id), \(job.reference), and nobody cancelled it"))
        }
        return found
    }

    func expiryViolations() -> [Violation] {
        var found: [Violation] = []
        for (id, jobHistory) in history.jobHistories.sorted(by: { $0.key < $1.key }) {
            for claim in jobHistory.claims {
                guard let expiry = claim.facts.expiresAt else { continue }
                // A clock that was set back meanwhile showed less.
                if let wall = claim.terms.wall, wall >= expiry, !isClockSet(claim.invoked...claim.returned) {
                    found.append(
                        Violation(
                            .ranExpired, "job \(id) was claimed at line \(claim.returned), \(wall - expiry) ms too late"
                        ))
                }
                guard let run = jobHistory.runs.first(where: { $0.lease == claim.facts.lease }), let wall = run.wall,
                    wall - expiry > firstWord, !isClockSet(claim.invoked...max(claim.invoked, run.started)),
                    !wasStoppedAtStart(run, jobHistory.claims)
                else { continue }
                found.append(
                    Violation(
                        .ranExpired,
                        "job \(id), token \(run.lease.token), was started by \(run.process) at line \(run.started), "
                            + "\(wall - expiry) ms too late"))
            }
        }
        for job in final.jobs where job.states == ["expired"] && !mayExpire(job) {
            found.append(Violation(.expiredUnasked, "job \(job.id), \(job.reference)"))
        }
        return found
    }

    private func mayExpire(_ job: FinalState.Job) -> Bool {
        history.enqueues.contains { $0.job.reference == job.reference && $0.job.expires != nil }
    }

    func isClockSet(_ lines: ClosedRange<Int>) -> Bool {
        history.clockSettings.contains { lines.contains($0.line) }
    }
}
