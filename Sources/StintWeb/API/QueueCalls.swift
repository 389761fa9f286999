import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    static func listQueues(_ request: WebRequest) async throws -> Response {
        .json(["queues": try await request.dashboard.queue.stats()])
    }

    static func showQueue(_ request: WebRequest) async throws -> Response {
        .json(try await queueFacts(try request.queueName(), request))
    }

    static func pauseQueue(_ request: WebRequest) async throws -> Response {
        let name = try request.queueName()
        let fields = try JSONFields(try await request.json(), known: ["reason"])
        try await request.dashboard.queue.pause(name, reason: try fields.note("reason"))
        return .json(try await queueFacts(name, request))
    }

    static func resumeQueue(_ request: WebRequest) async throws -> Response {
        let name = try request.queueName()
        try await request.noFields()
        try await request.dashboard.queue.resume(name)
        return .json(try await queueFacts(name, request))
    }

    /// `null` ends a limit; what is absent stays.
    static func changeQueue(_ request: WebRequest) async throws -> Response {
        let name = try request.queueName()
        let fields = try JSONFields(
            try await request.json(),
            known: [
                "concurrency", "rate", "groupConcurrency", "groupRate", "groupOrder", "fair", "retentionMilliseconds",
                "search",
            ])
        var settings = QueueSettings(
            concurrency: try count("concurrency", fields), rate: try rate("rate", fields),
            groupConcurrency: try count("groupConcurrency", fields), groupRate: try rate("groupRate", fields))
        if let order = fields["groupOrder"] {
            guard case .text(let text) = order.kind, let order = QueueLimits.GroupOrder(rawValue: text) else {
                throw fields.wrong("groupOrder", order, "strict or loose")
            }
            settings.groupOrder = order
        }
        settings.isFair = try fields.bool("fair")
        settings.retention = try fields.duration("retentionMilliseconds")
        settings.search = try fields.bool("search")
        try settings.check()
        try await request.dashboard.queue.store.configure(name, settings)
        return .json(try await queueFacts(name, request))
    }

    private static func count(_ name: String, _ fields: JSONFields) throws -> Limit<Int>? {
        if case .null? = fields[name]?.kind { return .unlimited }
        return try fields.integer(name, in: 1...1_000_000).map { .to(Int($0)) }
    }

    private static func rate(_ name: String, _ fields: JSONFields) throws -> Limit<Rate>? {
        guard let value = fields[name] else { return nil }
        if case .null = value.kind { return .unlimited }
        let rate = try JSONFields(value, at: name, known: ["starts", "windowMilliseconds"])
        guard let starts = try rate.integer("starts", in: 1...1_000_000) else {
            throw rate.missing("starts", "a whole number from 1 to 1000000")
        }
        guard let window = try rate.duration("windowMilliseconds", in: 1...2_678_400_000) else {
            throw rate.missing("windowMilliseconds", "a whole number from 1 to 2678400000")
        }
        return .to(Rate(Int(starts), per: window))
    }

    private static func queueFacts(_ name: QueueName, _ request: WebRequest) async throws -> QueueFacts {
        guard let details = try await request.dashboard.queue.details(of: name) else { throw StintError.noQueue(name) }
        let groups = details.groups > 0 ? try await request.dashboard.queue.groups(of: name, limit: 50) : []
        return QueueFacts(details, groups)
    }

    static func listGroups(_ request: WebRequest) async throws -> Response {
        let name = try request.queueName()
        let limit = try request.queryInteger("limit", in: 1...1_000, default: 100)
        guard try await request.dashboard.queue.details(of: name) != nil else { throw StintError.noQueue(name) }
        return .json(["groups": try await request.dashboard.queue.groups(of: name, limit: limit).map(GroupFacts.init)])
    }

    static func changeGroup(_ request: WebRequest) async throws -> Response {
        struct Facts: Encodable {
            let name: String
            let weight: Int64
        }
        let name = try request.queueName()
        let group = request.parameter("group")
        let fields = try JSONFields(try await request.json(), known: ["weight"])
        guard let weight = try fields.integer("weight", in: 1...Int64(GroupStats.maximumWeight)) else {
            throw fields.missing("weight", "a whole number from 1 to \(GroupStats.maximumWeight)")
        }
        try await request.dashboard.queue.setWeight(Int(weight), ofGroup: group, in: name)
        return .json(Facts(name: group, weight: weight))
    }

    // MARK: - All of it

    static func statistics(_ request: WebRequest) async throws -> Response {
        let queues = try await request.dashboard.queue.stats()
        var counts: [String: Int] = [:]
        for state in JobState.allCases {
            counts[state.rawValue] = queues.reduce(0) { sum, queue in
                let (next, overflow) = sum.addingReportingOverflow(queue.count(of: state))
                return overflow ? .max : next
            }
        }
        counts["queues"] = queues.count
        counts["workers"] = try await request.dashboard.queue.workers().count
        return .json(counts)
    }

    static func listFailures(_ request: WebRequest) async throws -> Response {
        struct Facts: Encodable {
            let job: Int64
            let queue: String
            let failure: JobFailure
        }
        let limit = try request.queryInteger("limit", in: 1...1_000, default: 100)
        return .json([
            "failures": try await request.dashboard.queue.failures(limit: limit).map {
                Facts(job: $0.job.rawValue, queue: $0.queue.description, failure: $0.failure)
            }
        ])
    }
}
