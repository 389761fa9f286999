import StintCore

/// Moves the jobs of a running beanstalkd into a queue. No job is lost, wherever it is killed, and none is on both sides
/// without being named.
///
/// Each job goes in four steps: it is enqueued in ``holdingQueue``, which is paused; it is moved to ``deletingQueue``,
/// which is paused too; it is deleted there; it is moved to the queue with the name of its tube. So it cannot run here
/// before it is gone there, and the next import sees how far a killed one has come. What was in the first queue comes
/// again, since clients there may have done it meanwhile. What was in the second, and is not there any more, was deleted by
/// the killed import or by a client that took it after that. Nobody can tell, and so it is moved and named.
///
/// Ready jobs are reserved, so that clients that still work there do not take them at the same time. Delayed and buried
/// ones are not, because beanstalkd would forget the delay, or the burial, of a reserved job whose client dies.
public struct BeanstalkImport<Store: JobStore>: Sendable {
    /// Where jobs wait that are still there.
    public static var holdingQueue: QueueName { "stint-import" }
    /// Where jobs wait that are being deleted there.
    public static var deletingQueue: QueueName { "stint-import-deleting" }

    let queue: JobQueue<Store>
    private let host: String
    private let port: Int
    private let tubes: Set<String>?
    /// - Parameter tubes: `nil`: all.
    public init(from host: String, port: Int, tubes: [String]? = nil, into queue: JobQueue<Store>) {
        self.host = host
        self.port = port
        self.tubes = tubes.map(Set.init)
        self.queue = queue
    }

    /// Moves what is there when it comes to a tube. Run it again for what comes later.
    ///
    /// - Parameters:
    ///   - progress: Called with the number of jobs that are here, after each transaction.
    ///   - inFlight: Called with such jobs, at most a transaction's, before they can run here. If the process is killed
    ///     meanwhile, the next import calls it again.
    /// - Throws: ``BeanstalkError``; ``StintError`` of the store. What was moved by then stays moved.
    public func run(
        progress: @escaping (Int) -> Void = { _ in }, inFlight: @escaping ([InFlight]) -> Void = { _ in }
    ) async throws -> Report {
        let client = try await BeanstalkClient.connect(host: host, port: port)
        do {
            try await beAlone(client)
            let instance = try await expect("stats", "OK", of: client).values["id"]
            let source = Source(
                client: client, instance: instance.map { String($0) }, progress: progress, inFlight: inFlight)
            let report = try await move(from: source)
            await client.close()
            return report
        } catch {
            await client.close()
            throw error
        }
    }

    /// Where the jobs come from, and who is told of them.
    struct Source {
        let client: BeanstalkClient
        /// The id that a beanstalkd gives to itself when it starts. `nil`: an old one that has none.
        let instance: String?
        let progress: (Int) -> Void
        let inFlight: ([InFlight]) -> Void
    }

    private func move(from source: Source) async throws -> Report {
        let client = source.client
        for waiting in [Self.holdingQueue, Self.deletingQueue] {
            try await queue.pause(waiting, reason: "jobs on their way from a beanstalkd wait here")
        }
        var report = Report()
        try await recoverHeld(from: source)
        try await recoverDeleted(from: source, &report)
        let listed = try await expect("list-tubes", "OK", of: client).items.filter { $0 != Self.mark }
        if let missing = (tubes ?? []).subtracting(listed).min() {
            throw BeanstalkError(
                description: "beanstalkd at \(client.address) has no tube \(quoted(missing)); it has "
                    + listed.sorted().map { quoted($0) }.joined(separator: ", "))
        }
        for name in listed.sorted() where tubes?.contains(name) ?? true {
            let destination = try QueueName(name)
            report.tubes.append(Tube(name: name))
            try await moveReady(of: name, to: destination, source, &report)
            for state in [State.delayed, .buried, .ready] {
                try await moveByPeeking(state, of: name, to: destination, source, &report)
            }
            let values = try await client.ask("stats-tube \(name)").values
            report.tubes[report.tubes.count - 1].reserved = values["current-jobs-reserved"].flatMap { Int($0) } ?? 0
        }
        return report
    }

    // MARK: - One import at a time

    /// The tube that an import watches, by which others see it.
    private static var mark: String { "stint-import-runs" }

    /// Two imports would take what the other has under way for what a killed one has left.
    private func beAlone(_ client: BeanstalkClient) async throws {
        _ = try await expect("watch \(Self.mark)", "WATCHING", of: client)
        let values = try await expect("stats-tube \(Self.mark)", "OK", of: client).values
        guard values["current-watching"] == "1" else {
            throw BeanstalkError(
                description: "another import from beanstalkd at \(client.address) is running; wait for its end")
        }
    }

    // MARK: - Ready jobs

    /// How many jobs a transaction has at most, and about how many bytes.
    static var batch: (jobs: Int, bytes: Int) { (500, 4_194_304) }

    private func moveReady(
        of tube: String, to destination: QueueName, _ source: Source, _ report: inout Report
    ) async throws {
        let client = source.client
        // A connection watches `default` from its start.
        _ = try await expect("watch \(tube)", "WATCHING", of: client)
        if tube != "default" { _ = try await expect("ignore default", "WATCHING", of: client) }
        var isEmpty = false
        // As many as fit if the next ones are like the last ones.
        var count = 16
        let refusedBefore = report.refused.count
        while !isEmpty {
            let command = "reserve-with-timeout 0"
            // They stay reserved to the end, so that they are not reserved again and again.
            _ = try await client.ask(report.refused[refusedBefore...].map { "touch \($0.id)" })
            var found: [Found] = []
            for answer in try await client.ask(Array(repeating: command, count: count)) {
                switch answer.name {
                case "RESERVED": found.append(try Found(answer, .ready, in: tube, client))
                case "TIMED_OUT", "DEADLINE_SOON": isEmpty = true
                default: throw client.unexpected(answer, to: command)
                }
            }
            if found.isEmpty { break }
            let bytes = found.reduce(0) { $0 + $1.body.count }
            count = min(Self.batch.jobs, max(1, Self.batch.bytes / max(1, bytes / found.count)))
            let held = try await hold(found, in: Self.holdingQueue, of: source, &report)
            if !held.isEmpty { try await queue.move(held.map(\.job), to: Self.deletingQueue) }
            report.count(try await delete(held, to: destination, client), .ready, source)
        }
        _ = try await expect("watch default", "WATCHING", of: client)
        if tube != "default" { _ = try await expect("ignore \(tube)", "WATCHING", of: client) }
    }

    // MARK: - Delayed and buried jobs, and the ready ones of a paused tube

    private func moveByPeeking(
        _ state: State, of tube: String, to destination: QueueName, _ source: Source, _ report: inout Report
    ) async throws {
        let client = source.client
        if state == .ready {
            // Nobody can reserve jobs of a paused tube, and so they need not be reserved here. In others what is ready
            // came later, or is refused.
            let values = try await client.ask("stats-tube \(tube)").values
            guard let left = values["pause-time-left"], left != "0" else { return }
        }
        _ = try await expect("use \(tube)", "USING", of: client)
        let command = "peek-\(state.rawValue)"
        while true {
            let answer = try await client.ask(command)
            if answer.isNotFound { break }
            guard answer.name == "FOUND" else { throw client.unexpected(answer, to: command) }
            let refused = report.refused.count
            let found = try Found(answer, state, in: tube, client)
            let held = try await hold([found], in: Self.deletingQueue, of: source, &report)
            // The next one is not seen as long as this one is there.
            if report.refused.count > refused { break }
            // One by one: after a kill all that wait in that queue must be named.
            report.count(try await delete(held, to: destination, client), state, source)
        }
        _ = try await expect("use default", "USING", of: client)
    }

    // MARK: - The steps

    enum State: String, Sendable {
        case ready, delayed, buried
    }

    /// A job there.
    private struct Found {
        let id: UInt64
        let tube: String
        let body: [UInt8]
        let state: State

        init(_ answer: BeanstalkClient.Answer, _ state: State, in tube: String, _ client: BeanstalkClient) throws {
            guard let id = answer.id else { throw client.unexpected(answer, to: "a peek or reserve") }
            self.id = id
            self.tube = tube
            body = answer.body
            self.state = state
        }
    }

    /// A job here that is not deleted there yet.
    struct Held {
        let id: UInt64
        let job: JobID
    }

    /// The headers that say where a job comes from.
    enum Header {
        static var server: String { "beanstalkd-server" }
        static var id: String { "beanstalkd-job" }
        static var tube: String { "beanstalkd-tube" }
        static var instance: String { "beanstalkd-instance" }
    }

    /// Enqueues jobs in a paused queue, buried ones buried. Those that cannot be jobs here are reported.
    private func hold(
        _ found: [Found], in waiting: QueueName, of source: Source, _ report: inout Report
    ) async throws -> [Held] {
        let client = source.client
        let facts = try await client.ask(found.map { "stats-job \($0.id)" })
        var (ids, jobs, buried): ([UInt64], [NewJob], [Int]) = ([], [], [])
        for (job, answer) in zip(found, facts) {
            // Somebody has deleted it meanwhile.
            if answer.isNotFound { continue }
            guard answer.name == "OK" else { throw client.unexpected(answer, to: "stats-job \(job.id)") }
            do {
                let new = try newJob(job, answer.values, in: waiting, source)
                if job.state == .buried { buried.append(jobs.count) }
                ids.append(job.id)
                jobs.append(new)
            } catch let error as StintError where error.code == .invalidInput {
                report.refused.append(Refused(id: job.id, tube: job.tube, reason: error.description))
            }
        }
        guard !jobs.isEmpty else { return [] }
        let answers = try await queue.enqueue(jobs: jobs)
        // If it is killed before this, they wait in the paused queue as ready jobs; see ``recoverDeleted(from:_:)``.
        if !buried.isEmpty { try await queue.bury(buried.map { answers[$0].id }, reason: Self.burialReason) }
        return zip(ids, answers).map { Held(id: $0, job: $1.id) }
    }

    static var burialReason: String { "it was buried in beanstalkd" }

    private func newJob(
        _ job: Found, _ facts: [Substring: Substring], in waiting: QueueName, _ source: Source
    ) throws -> NewJob {
        func number(_ name: Substring) -> UInt32? { facts[name].flatMap { UInt32($0) } }
        var options = JobOptions(
            ofTubePriority: number("pri") ?? JobOptions().priority,
            delay: job.state == .delayed ? number("time-left") ?? 0 : 0, timeToRun: number("ttr") ?? 1,
            maxCrashes: JobServer.Options().maxCrashes)
        try options.headers.set(Header.server, to: source.client.address)
        try options.headers.set(Header.id, to: "\(job.id)")
        try options.headers.set(Header.tube, to: job.state == .buried ? "\(job.tube) buried" : job.tube)
        if let instance = source.instance { try options.headers.set(Header.instance, to: instance) }
        return try NewJob(job.body, in: waiting, options: options)
    }

    /// Deletes them there, and moves them to the queue where they belong.
    ///
    /// One that is not there any more, or that somebody else holds by now, is a client's: it is deleted here.
    ///
    /// - Returns: How many are here.
    func delete(_ held: [Held], to destination: QueueName, _ client: BeanstalkClient) async throws -> Int {
        var (gone, taken): ([JobID], [JobID]) = ([], [])
        for (job, answer) in zip(held, try await client.ask(held.map { "delete \($0.id)" })) {
            switch answer.name {
            case "DELETED": gone.append(job.job)
            case "NOT_FOUND": taken.append(job.job)
            default: throw client.unexpected(answer, to: "delete \(job.id)")
            }
        }
        if !gone.isEmpty { try await queue.move(gone, to: destination) }
        if !taken.isEmpty { try await queue.delete(taken) }
        return gone.count
    }

    private func expect(_ command: String, _ name: String, of client: BeanstalkClient) async throws
        -> BeanstalkClient.Answer
    {
        let answer = try await client.ask(command)
        guard answer.name == name else { throw client.unexpected(answer, to: command) }
        return answer
    }
}
