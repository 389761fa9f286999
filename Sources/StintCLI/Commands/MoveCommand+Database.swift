import StintCore

/// `stint move FROM TO`.
extension MoveCommand {
    func move(_ source: StoreAddress, to target: StoreAddress) async throws {
        let from = try await source.openHere(StoreOpening())
        let to = try await target.openHere(StoreOpening(createsWith: creation.permissions, isMover: true))
        guard from.address != to.address else {
            throw StintError.invalidInput("both addresses are those of the same database: nothing was changed")
        }
        let progress = MoveProgress()
        var move = DatabaseMove(
            from: try from.movable(), from.address, to: try to.movable(), to.address, report: progress.show)
        do { try await move.run(patience: wait.duration) } catch {
            progress.finish()
            throw error
        }
        progress.finish()
        try Output.print("moved to \(printable(withoutPassword(to.address))): \(progress.summary)")
    }

    func giveUp(_ source: StoreAddress) async throws {
        let from = try await source.openHere(StoreOpening())
        try await DatabaseMove.abandon(try from.movable())
        try Output.print("given up: all goes on in \(printable(withoutPassword(from.address)))")
    }

    /// What a move would do.
    func estimate(_ source: StoreAddress, _ target: StoreAddress) async throws {
        let from = try await source.openHere(StoreOpening(onlyReads: true))
        let stats = try await from.stats()
        var (jobs, bytes, seconds) = (0, 0, 0.0)
        var last: JobID?
        // The first ones, to know how long they take.
        let start = ContinuousClock.now
        repeat {
            let page = try await from.exportJobs(of: nil, after: last, limit: StoredJob.maximumCount)
            jobs += page.jobs.count
            bytes += page.jobs.reduce(0) { $0 + $1.body.byteCount }
            last = page.next
        } while last != nil && .now - start < .seconds(2)
        let isAll = last == nil
        let total = isAll ? jobs : max(jobs, stats.reduce(0) { $0 + $1.unfinished + $1.buried })
        let time = (ContinuousClock.now - start) / .seconds(1)
        // They are read twice, added once and compared.
        seconds = jobs == 0 ? 0 : time / Double(jobs) * Double(total) * 5
        let size = jobs == 0 ? 0 : Int(Double(bytes) / Double(jobs) * Double(total))
        let running = stats.reduce(0) { $0 + $1.leased }
        try Output.print(
            """
            \(isAll ? "" : "about ")\(total) jobs in \(stats.count) queues, \(Format.memory(bytes: Int64(size))) of payloads
            copied in the background in about \(Format.duration(milliseconds: Int64(max(1, seconds.rounded())) * 1_000))
            then nothing is claimed until the \(running) jobs that are running have ended, and for about a second more
            to \(printable(withoutPassword(target.place))); nothing was changed
            """)
    }
}

extension AnyJobStore {
    fileprivate func movable() throws -> any MovableStore {
        guard let store = base as? any MovableStore else {
            throw StintError.invalidInput("this kind of store cannot be moved")
        }
        return store
    }
}

/// Shows how far a move is: its steps as lines on standard error, and the copies as a bar.
final class MoveProgress {
    private var bar = ProgressBar(total: nil)
    private var pausedAt: ContinuousClock.Instant?
    private var lastStep = ""
    private(set) var summary = ""
    private var jobs = 0

    func show(_ event: DatabaseMove.Event) {
        switch event {
        case .began: step("copying all jobs; work goes on")
        case .copied(let jobs): bar.update(jobs, "\(jobs) jobs copied")
        case .compared(let jobs):
            step("comparing both databases; work goes on")
            bar.update(jobs, "\(jobs) jobs compared")
        case .paused(let running):
            if pausedAt == nil { pausedAt = .now }
            step("nothing is claimed any more; waiting for running jobs")
            bar.update(0, "\(running) jobs are still running")
        case .frozen: step("copying the rest")
        case .committed(let jobs):
            step("committed; opening the new database")
            self.jobs = jobs
            if let pausedAt {
                let pause = (ContinuousClock.now - pausedAt).milliseconds
                summary = ", and nothing was claimed for \(Double(pause / 100) / 10) s"
            }
        case .ended(let forwarded):
            summary = "\(jobs) jobs were copied\(summary)" + (forwarded > 0 ? "; \(forwarded) jobs were forwarded" : "")
        }
    }

    func finish() { bar.finish() }

    private func step(_ text: String) {
        guard text != lastStep else { return }
        lastStep = text
        bar.finish()
        Output.printError(text)
    }
}
