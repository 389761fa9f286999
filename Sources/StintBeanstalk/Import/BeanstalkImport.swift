import StintCore

/// Moves the jobs of a running beanstalkd into a queue. No job is lost, and none is in both, wherever it is killed.
///
/// Each job goes in three steps: it is enqueued in ``holdingQueue``, which is paused; it is deleted there; it is moved to
/// the queue with the name of its tube. So it cannot run here before it is gone there. What an import that was killed has
/// left in the holding queue, the next one looks up in that beanstalkd first.
///
/// Ready jobs are reserved, so that clients that still work there do not take them at the same time. Delayed and buried
/// ones are not, because beanstalkd would forget the delay, or the burial, of a reserved job whose client dies.
public struct BeanstalkImport<Store: JobStore>: Sendable {
    /// Where jobs wait until they are deleted there.
    public static var holdingQueue: QueueName { "stint-import" }

    private let queue: JobQueue<Store>
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

    /// How many jobs of a tube came here, by the state that they had.
    public struct Tube: Sendable, Hashable {
        public let name: String
        public internal(set) var ready = 0
        public internal(set) var delayed = 0
        public internal(set) var buried = 0
        /// Clients of that beanstalkd hold them. They stay there.
        public internal(set) var reserved = 0
        public var all: Int { ready + delayed + buried }
    }

    public struct Report: Sendable {
        public internal(set) var tubes: [Tube] = []
        /// What an earlier import that was killed had left half done.
        public internal(set) var recovered = 0
        /// Jobs that a client of that beanstalkd took, or deleted, while they were on their way. They are here too, and
        /// so may run twice.
        public internal(set) var inFlight: [InFlight] = []
        /// Jobs that are too large here. They stay there, and so do the delayed or buried ones behind them in their
        /// tube.
        public internal(set) var refused: [Refused] = []
    }

    public struct InFlight: Sendable, Hashable {
        /// Its id there, and here.
        public let id: UInt64
        public let job: JobID
    }

    public struct Refused: Sendable, Hashable {
        public let id: UInt64
        public let tube: String
        public let reason: String
    }

    /// Moves what is there when it comes to a tube. Run it again for what comes later.
    ///
    /// - Parameter progress: Called with the number of jobs that are here, after each transaction.
    /// - Throws: ``BeanstalkError``; ``StintError`` of the store. What was moved by then stays moved.
    public func run(progress: (Int) -> Void = { _ in }) async throws -> Report {
        let client = try await BeanstalkClient.connect(host: host, port: port)
        do {
            let report = try await move(from: client, progress)
            await client.close()
            return report
        } catch {
            await client.close()
            throw error
        }
    }

    private func move(from client: BeanstalkClient, _ progress: (Int) -> Void) async throws -> Report {
        try await beAlone(client)
        try await queue.pause(Self.holdingQueue, reason: "jobs on their way from a beanstalkd wait here")
        var report = Report()
        try await recover(from: client, &report)
        let listed = try await expect("list-tubes", "OK", of: client).items.filter { $0 != Self.mark }
        if let missing = (tubes ?? []).subtracting(listed).min() {
            throw BeanstalkError(
                description: "beanstalkd at \(client.address) has no tube \(quoted(missing)); it has "
                    + listed.sorted().map { quoted($0) }.joined(separator: ", "))
        }
        var moved = 0
        for name in listed.sorted() where tubes?.contains(name) ?? true {
            let destination = try QueueName(name)
            var tube = Tube(name: name)
            try await moveReady(&tube, to: destination, client, &report) { progress(moved + $0.all) }
            for state in [State.delayed, .buried, .ready] {
                try await moveByPeeking(state, &tube, to: destination, client, &report) { progress(moved + $0.all) }
            }
            let values = try await client.ask("stats-tube \(name)").values
            tube.reserved = values["current-jobs-reserved"].flatMap { Int($0) } ?? 0
            moved += tube.all
            report.tubes.append(tube)
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
    private static var batch: (jobs: Int, bytes: Int) { (500, 4_194_304) }

    private func moveReady(
        _ tube: inout Tube, to destination: QueueName, _ client: BeanstalkClient, _ report: inout Report,
        _ progress: (Tube) -> Void
    ) async throws {
        // A connection watches `default` from its start.
        _ = try await expect("watch \(tube.name)", "WATCHING", of: client)
        if tube.name != "default" { _ = try await expect("ignore default", "WATCHING", of: client) }
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
                case "RESERVED": found.append(try Found(answer, .ready, in: tube.name, client))
                case "TIMED_OUT", "DEADLINE_SOON": isEmpty = true
                default: throw client.unexpected(answer, to: command)
                }
            }
            if found.isEmpty { break }
            let bytes = found.reduce(0) { $0 + $1.body.count }
            count = min(Self.batch.jobs, max(1, Self.batch.bytes / max(1, bytes / found.count)))
            let held = try await hold(found, of: client, &report)
            tube.ready += try await finish(held, to: destination, client, &report)
            progress(tube)
        }
        _ = try await expect("watch default", "WATCHING", of: client)
        if tube.name != "default" { _ = try await expect("ignore \(tube.name)", "WATCHING", of: client) }
    }

    // MARK: - Delayed and buried jobs, and the ready ones of a paused tube

    /// How many jobs wait for their move at most.
    private static var mostHeld: Int { 200 }

    private func moveByPeeking(
        _ state: State, _ tube: inout Tube, to destination: QueueName, _ client: BeanstalkClient,
        _ report: inout Report,
        _ progress: (Tube) -> Void
    ) async throws {
        if state == .ready {
            // Nobody can reserve jobs of a paused tube, and so they need not be reserved here. In others what is ready
            // came later, or is refused.
            let values = try await client.ask("stats-tube \(tube.name)").values
            guard let left = values["pause-time-left"], left != "0" else { return }
        }
        _ = try await expect("use \(tube.name)", "USING", of: client)
        var deleted: [Held] = []
        let command = "peek-\(state.rawValue)"
        while true {
            let answer = try await client.ask(command)
            if answer.isNotFound { break }
            guard answer.name == "FOUND" else { throw client.unexpected(answer, to: command) }
            let refused = report.refused.count
            let held = try await hold([Found(answer, state, in: tube.name, client)], of: client, &report)
            // The next one is not seen as long as this one is there.
            if report.refused.count > refused { break }
            deleted += try await delete(held, from: client, &report)
            if deleted.count >= Self.mostHeld {
                tube.count(try await release(&deleted, to: destination), state)
                progress(tube)
            }
        }
        tube.count(try await release(&deleted, to: destination), state)
        progress(tube)
        _ = try await expect("use default", "USING", of: client)
    }

    // MARK: - The three steps

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
    private struct Held {
        let id: UInt64
        let job: JobID
    }

    /// The headers that say where a job comes from.
    private enum Header {
        static var server: String { "beanstalkd-server" }
        static var id: String { "beanstalkd-job" }
        static var tube: String { "beanstalkd-tube" }
    }

    /// Enqueues jobs in the holding queue, buried ones buried. Those that cannot be jobs here are reported.
    private func hold(
        _ found: [Found], of client: BeanstalkClient, _ report: inout Report
    ) async throws -> [Held] {
        let facts = try await client.ask(found.map { "stats-job \($0.id)" })
        var (ids, jobs, buried): ([UInt64], [NewJob], [Int]) = ([], [], [])
        for (job, answer) in zip(found, facts) {
            // Somebody has deleted it meanwhile.
            if answer.isNotFound { continue }
            guard answer.name == "OK" else { throw client.unexpected(answer, to: "stats-job \(job.id)") }
            do {
                let new = try newJob(job, answer.values, client)
                if job.state == .buried { buried.append(jobs.count) }
                ids.append(job.id)
                jobs.append(new)
            } catch let error as StintError where error.code == .invalidInput {
                report.refused.append(Refused(id: job.id, tube: job.tube, reason: error.description))
            }
        }
        guard !jobs.isEmpty else { return [] }
        let answers = try await queue.enqueue(jobs: jobs)
        // If it is killed before this, they wait in the paused queue as ready jobs; see ``recover(from:_:)``.
        if !buried.isEmpty { try await queue.bury(buried.map { answers[$0].id }, reason: Self.burialReason) }
        return zip(ids, answers).map { Held(id: $0, job: $1.id) }
    }

    private static var burialReason: String { "it was buried in beanstalkd" }

    private func newJob(_ job: Found, _ facts: [Substring: Substring], _ client: BeanstalkClient) throws -> NewJob {
        func number(_ name: Substring) -> UInt32? { facts[name].flatMap { UInt32($0) } }
        var options = JobOptions(
            ofTubePriority: number("pri") ?? JobOptions().priority,
            delay: job.state == .delayed ? number("time-left") ?? 0 : 0, timeToRun: number("ttr") ?? 1,
            maxCrashes: JobServer.Options().maxCrashes)
        try options.headers.set(Header.server, to: client.address)
        try options.headers.set(Header.id, to: "\(job.id)")
        try options.headers.set(Header.tube, to: job.state == .buried ? "\(job.tube) buried" : job.tube)
        return try NewJob(job.body, in: Self.holdingQueue, options: options)
    }

    private func finish(
        _ held: [Held], to destination: QueueName, _ client: BeanstalkClient, _ report: inout Report
    ) async throws -> Int {
        var deleted = try await delete(held, from: client, &report)
        return try await release(&deleted, to: destination)
    }

    /// Deletes them there. One that somebody else holds by now, or has deleted, is on both sides: it is named.
    private func delete(
        _ held: [Held], from client: BeanstalkClient, _ report: inout Report
    ) async throws -> [Held] {
        for (job, answer) in zip(held, try await client.ask(held.map { "delete \($0.id)" })) {
            switch answer.name {
            case "DELETED": continue
            case "NOT_FOUND": report.inFlight.append(InFlight(id: job.id, job: job.job))
            default: throw client.unexpected(answer, to: "delete \(job.id)")
            }
        }
        return held
    }

    /// Moves them to the queue where they belong; none is left in `held`.
    ///
    /// - Returns: How many they were.
    private func release(_ held: inout [Held], to destination: QueueName) async throws -> Int {
        guard !held.isEmpty else { return 0 }
        try await queue.move(held.map(\.job), to: destination)
        defer { held = [] }
        return held.count
    }

    // MARK: - After an import that was killed

    /// What it has left in the holding queue is deleted there if it is still there, and then moved to its place.
    private func recover(from client: BeanstalkClient, _ report: inout Report) async throws {
        let holding = JobFilter(queue: Self.holdingQueue, limit: Self.batch.jobs)
        var cursor: JobCursor?
        repeat {
            let page = try await queue.list(holding, after: cursor)
            for record in page.jobs where record.headers[Header.server] == client.address {
                try await recover(record, from: client, &report)
            }
            cursor = page.next
        } while cursor != nil
    }

    private func recover(_ record: JobRecord, from client: BeanstalkClient, _ report: inout Report) async throws {
        guard let id = record.headers[Header.id].flatMap({ UInt64($0) }),
            let words = record.headers[Header.tube]?.split(separator: " "), let tube = words.first,
            let details = try await queue.job(record.id)
        else { return }
        let answer = try await client.ask("peek \(id)")
        // Another job may have its number by now, since a beanstalkd without a log begins again at 1.
        if answer.name == "FOUND" && answer.body == details.payload {
            _ = try await delete([Held(id: id, job: record.id)], from: client, &report)
        }
        if words.count > 1 && record.state != .buried { try await queue.bury([record.id], reason: Self.burialReason) }
        try await queue.move([record.id], to: QueueName(String(tube)))
        report.recovered += 1
    }

    private func expect(_ command: String, _ name: String, of client: BeanstalkClient) async throws
        -> BeanstalkClient.Answer
    {
        let answer = try await client.ask(command)
        guard answer.name == name else { throw client.unexpected(answer, to: command) }
        return answer
    }
}

extension BeanstalkImport.Tube {
    fileprivate mutating func count(_ jobs: Int, _ state: BeanstalkImport.State) {
        switch state {
        case .ready: ready += jobs
        case .delayed: delayed += jobs
        case .buried: buried += jobs
        }
    }
}
