import HTTPTypes
import Hummingbird
import Logging
import NIOPosix
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Addresses to which mail services post the mails that they receive, for a Hummingbird router.
///
///     let inbound = try InboundWebhooks(queue: queue, services: [.mailgun(signingKeys: [key])])
///     inbound.addRoutes(to: router.group("inbound"))
///
/// Each post is verified as its service signs. A mail becomes a job of the kind ``InboundMail``, and the service gets its
/// 200 when the job is on disk. A post that comes again adds no other job.
public struct InboundWebhooks: Sendable {
    public struct Options: Sendable {
        public var limits = InboundLimits()
        /// How old a signed time may be. Services repeat a post for hours if it was not taken. Below
        /// ``JobOptions/idempotencyPeriod``, for which the queue knows what it had, so that a recorded post adds no mail.
        public var replayWindow: Duration = .seconds(12 * 3_600)
        /// How far ahead of this machine's clock a signed time may be.
        public var clockSkew: Duration = .seconds(300)
        /// How the jobs are queued; their unique key and idempotency keys are made of the service's id and the mail.
        public var job = JobOptions()
        /// The time now, in UTC. Tests give another.
        public var now: @Sendable () -> Date = { Date() }
        public var logger = Logger(label: "stint.inbound")

        public init() {}
    }

    /// Adds one job; `true`: it was there already.
    private let enqueue: @Sendable (NewJob) async throws -> Bool
    private let queueName: QueueName
    /// Each with a budget of its own: what is sent to one takes nothing from the others.
    private let services: [(service: InboundService, budget: BodyBudget)]
    private let options: Options

    /// - Parameters:
    ///   - name: The queue for the mails.
    ///   - services: Each with a path of its own.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init(
        queue: JobQueue<some JobStore>, in name: QueueName = "inbound", services: [InboundService],
        options: Options = Options()
    ) throws {
        guard options.replayWindow > .zero, options.replayWindow <= JobOptions.idempotencyPeriod - .seconds(3_600)
        else {
            throw StintError.invalidInput(
                "the replay window is \(options.replayWindow); it must be above 0 and at most 23 hours, since the queue knows for "
                    + "a day which posts it had")
        }
        let paths = services.flatMap(\.paths)
        guard Set(paths).count == paths.count else {
            throw StintError.invalidInput("two services have the same path: give each one of its own")
        }
        // What is wrong with the jobs' options is said now, and not at each mail.
        _ = try NewJob([], in: name, options: options.job)
        enqueue = { try await queue.enqueue(jobs: [$0])[0].isDuplicate }
        queueName = name
        var limits = options.limits
        limits.bytesInAll = max(
            min(limits.bodyBytes, limits.bytesInAll), limits.bytesInAll / max(1, services.count))
        self.services = services.map { [limits] in ($0, BodyBudget(limits)) }
        self.options = options
    }

    /// Adds a POST route for each service. They must be reachable without a session of the application.
    public func addRoutes<Context: RequestContext>(to router: some RouterMethods<Context>) {
        for (service, budget) in services {
            for path in service.paths {
                router.on(RouterPath(path), method: .post) { request, _ -> Response in
                    await answer(request, of: service, within: budget)
                }
            }
        }
    }

    /// Of the service with this path, for tests.
    func budget(of path: String) -> BodyBudget? { services.first { $0.service.paths.contains(path) }?.budget }

    // MARK: - A request

    private func answer(
        _ request: Request, of service: InboundService, within budget: BodyBudget
    ) async -> Response {
        do {
            return Self.response(.ok, try await take(request, of: service, within: budget))
        } catch {
            var refusal = InboundRefusal(error)
            if refusal.isFinal, let status = service.receiver.finalStatus { refusal.status = status }
            options.logger.log(
                level: refusal.status.kind == .serverError ? .error : .warning, "a posted mail was not taken",
                metadata: [
                    "service": "\(service.receiver.service.rawValue)", "status": "\(refusal.status.code)",
                    "reason": "\(error is InboundRefusal ? refusal.detail : "\(error)")",
                ])
            var response = Self.response(refusal.status, refusal.detail)
            for field in refusal.headers { response.headers[field.name] = field.value }
            return response
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }

    /// - Returns: What the service is told.
    private func take(
        _ request: Request, of service: InboundService, within budget: BodyBudget
    ) async throws -> String {
        let receiver = service.receiver
        let rules = ReceivingRules(
            limits: options.limits, now: options.now(), window: options.replayWindow, skew: options.clockSkew,
            logger: options.logger)
        try receiver.checkHead(request.headers, rules)
        let place = try budget.place()
        // What it takes is given back when all is done, and not after its last use.
        defer { withExtendedLifetime(place) {} }
        let body = try await BodyReading(request, options.limits).bytes(place)
        let post = Post(headers: request.headers, body: body)
        switch try await receiver.receive(post, rules) {
        case .mail(let verified):
            let (mail, contentKey): (InboundMail, String?)
            do {
                (mail, contentKey) = try await NIOThreadPool.singleton.runIfActive {
                    let mail = try verified.read()
                    return (mail, verified.contentKey(mail))
                }
            } catch var refusal as InboundRefusal {
                // It is verified, and will be the same when it comes again.
                refusal.isFinal = true
                throw refusal
            }
            return try await put(mail, keys: [verified.replayKey, contentKey].compactMap(\.self))
        case .done(let text): return text
        }
    }

    private func put(_ mail: InboundMail, keys: [String]) async throws -> String {
        var options = self.options.job
        options.uniqueKey = "\(mail.service.rawValue):\(mail.id)"
        options.idempotencyKeys = keys.map { "\(mail.service.rawValue):\($0)" }
        let isKnown = try await enqueue(try InboundJob.job(of: mail, in: queueName, options: options))
        self.options.logger.debug(
            "a mail was posted",
            metadata: [
                "service": "\(mail.service.rawValue)", "id": "\(mail.id)", "kind": "\(mail.kind.rawValue)",
                "known": "\(isKnown)",
            ])
        return isKnown ? "this mail was taken before" : "the mail is taken"
    }
}
