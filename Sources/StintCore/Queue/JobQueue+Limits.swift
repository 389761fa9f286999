/// Groups and limits of a queue, and why its jobs wait.
extension JobQueue {
    /// Limits what of a queue runs at a time and starts in a time, and says in which order its groups come. Creates the
    /// queue if it does not exist. A program can do so whenever it starts.
    ///
    ///     try await queue.setLimits(of: "mail", rate: .to(50, per: .seconds(1)), groupConcurrency: 2)
    ///
    /// `nil` leaves a setting as it is, and `.unlimited` ends a limit. When this has returned, no job starts that the
    /// new limits do not allow: running jobs continue and count, and those that workers have claimed and not started
    /// are given back. Workers that sleep are woken.
    ///
    /// - Parameters:
    ///   - concurrency: At most so many of its jobs run at a time, over all processes. From 1 to 1,000,000.
    ///   - rate: At most so many of its jobs are claimed in any window of that length.
    ///   - groupConcurrency: At most so many jobs of a group run at a time. With 1 they run one after the other.
    ///   - groupRate: At most so many jobs of a group are claimed in any window of that length. Jobs without a group
    ///     are limited by neither.
    ///   - groupOrder: With a group concurrency of 1: whether a job that failed and waits for its retry holds its group
    ///     back (`strict`, which a queue has at first) or not (`loose`).
    ///   - fair: Whether groups take turns, by their weights (at first) or priority alone decides.
    /// - Throws: ``StintError`` with the code `invalidInput`, which names the limit. Nothing has changed then.
    public func setLimits(
        of queue: QueueName, concurrency: Limit<Int>? = nil, rate: Limit<Rate>? = nil,
        groupConcurrency: Limit<Int>? = nil, groupRate: Limit<Rate>? = nil,
        groupOrder: QueueLimits.GroupOrder? = nil, fair: Bool? = nil
    ) async throws {
        try await store.configure(
            queue,
            QueueSettings(
                concurrency: concurrency, rate: rate, groupConcurrency: groupConcurrency, groupRate: groupRate,
                groupOrder: groupOrder, isFair: fair))
    }

    /// Switches the index of free text on or off for a queue, and creates the queue if it does not exist. It makes
    /// queries with a text of three characters or more fast that name the queue, and changes no answer.
    ///
    /// The index is built after the commits by a `Reaper`, or ``reap()``, in short transactions: enqueuing costs the
    /// same. It has the payloads and errors of the queue's jobs with up to 16 KiB of text each, and at most 256 MiB
    /// altogether; then the oldest jobs go, which queries read again. Switched off, it is removed in steps.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if the store cannot index text.
    public func setSearch(of queue: QueueName, _ isOn: Bool) async throws {
        var settings = QueueSettings()
        settings.search = isOn
        try await store.configure(queue, settings)
    }

    /// Sets the share of a group in its queue's turns: a group of weight 3 gets three jobs where others get one.
    /// Creates the queue and the group if they do not exist; a group has weight 1 at first.
    ///
    /// - Parameter weight: From 1 to ``GroupStats/maximumWeight``.
    /// - Throws: ``StintError`` with the code `invalidInput` for a weight or a name that is not allowed. Nothing has
    ///   changed then.
    public func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try await store.setWeight(weight, ofGroup: group, in: queue)
    }

    /// The groups of a queue: those with ready or running jobs first, then by name. The jobs without a group are one
    /// too, whose name is `nil`. Empty for a queue whose jobs never had groups.
    ///
    /// Counts the jobs of each group that it returns.
    public func groups(of queue: QueueName, limit: Int = 100) async throws -> [GroupStats] {
        try await store.groups(of: queue, limit: limit)
    }

    /// A queue with its counts and limits, and what its rate allows now; `nil` if it does not exist.
    public func details(of queue: QueueName) async throws -> QueueDetails? { try await store.queue(queue) }

    /// Why a ready or delayed job is not running now: a limit, a pause, its time or its turn. `nil` for other jobs, and
    /// if there is none of this id.
    ///
    /// It is what a claim at this moment would find. With several reasons, limits of the group come before those of the
    /// queue.
    public func waitReason(of job: JobID) async throws -> WaitReason? { try await store.waitReason(of: job) }
}
