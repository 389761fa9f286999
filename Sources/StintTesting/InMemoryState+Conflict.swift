import StintCore

/// What an enqueue does with the job that has its unique key.
extension InMemoryState {
    /// The events of a job that collects them.
    struct Digest: Sendable {
        var open: OpenDigest
        /// Those after the first, whose payload is the job's.
        var more: [[UInt8]] = []

        init(open: OpenDigest, more: [[UInt8]] = []) {
            self.open = open
            self.more = more
        }

        init(_ first: NewJob, _ now: StoreTime) { self.init(open: OpenDigest(first, at: now.wall)) }
    }

    /// - Returns: `nil` if the new job becomes the next one of the key.
    mutating func merge(_ job: NewJob, into holder: JobID, _ now: StoreTime) -> Enqueued? {
        let held = jobs[holder]!
        let isUntouched = held.place.state.isWaiting && !held.wasClaimed
        switch job.options.onConflict {
        case .keep: return Enqueued(id: holder, outcome: .duplicate)
        case .replace:
            guard isUntouched, held.digest == nil else { return nil }
            jobs[holder]!.payload = job.payload
            jobs[holder]!.contentType = job.contentType
            jobs[holder]!.options = job.options
            jobs[holder]!.enqueuedAt = now.wall
            wait(holder, after: job.options.delay, now)
            return Enqueued(id: holder, outcome: .replaced)
        case .collect:
            guard isUntouched, var digest = held.digest, digest.open.admits(job) else { return nil }
            digest.open.take(job)
            digest.more.append(job.payload)
            jobs[holder]!.digest = digest
            if case .delayed(let start) = held.place,
                let next = digest.open.start(after: job, insteadOf: start, now.wall)
            {
                jobs[holder]!.place = .delayed(until: next)
                if next < start { wakes = true }
            }
            return Enqueued(id: holder, outcome: .collected)
        }
    }
}

extension InMemoryState.Job {
    /// All payloads of a digest.
    var events: [[UInt8]]? { digest.map { [payload] + $0.more } }

    var payloadBytes: Int { digest?.open.bytes ?? payload.count }
}
