import StintCore

/// What a worker asks its supervisor to do with the store.
enum StoreRequest: Sendable {
    case exchange([Settlement], ClaimRequest?)
    case extend([Lease], Duration)
    /// With the name of its scoreboard.
    case register(WorkerRegistration, WorkerID?, String?)
    case deregister(WorkerID)
    /// From now on, until ``stopListening``, replies to this request's number are the wake-ups of these queues.
    case listen([QueueName])
    /// Ends the wake-ups of an earlier request.
    case stopListening(UInt32)
    /// From now on replies to this request's number tell that jobs were revoked.
    case listenToRevocations
    /// See ``JobStore/nextReady(in:passingOverSuspects:)``.
    case nextReady([QueueName], Bool)
    case leases(WorkerID)
    case order(WorkerID)
    /// Whether the supervisor reads its messages.
    case ping

    /// How many requests a worker has in progress; further ones it does by itself. Each handler may settle or extend its job
    /// at the same moment.
    static let maximumInProgress = 32

    /// The longest message: a thousand failures with all that is kept of their errors. What a worker has to say beyond
    /// that, it does by itself.
    static let maximumBytes = 1_048_576

    private enum Kind: UInt8 {
        case exchange = 1
        case extend, register, deregister, listen, stopListening, ping, listenToRevocations, nextReady, leases, order
    }

    func encode(into encoder: inout MessageEncoder) {
        switch self {
        case .exchange(let settlements, let request):
            encoder.write(Kind.exchange.rawValue)
            encoder.write(settlements) { $1.encode(into: &$0) }
            encoder.write(request) { $1.encode(into: &$0) }
        case .extend(let leases, let duration):
            encoder.write(Kind.extend.rawValue)
            encoder.write(leases) { $1.encode(into: &$0) }
            encoder.write(duration)
        case .register(let worker, let id, let scoreboard):
            encoder.write(Kind.register.rawValue)
            worker.encode(into: &encoder)
            encoder.write(id) { $0.write($1.rawValue) }
            encoder.write(scoreboard) { $0.write($1) }
        case .deregister(let id):
            encoder.write(Kind.deregister.rawValue)
            encoder.write(id.rawValue)
        case .listen(let queues):
            encoder.write(Kind.listen.rawValue)
            encoder.write(queues) { $0.write($1.description) }
        case .stopListening(let number):
            encoder.write(Kind.stopListening.rawValue)
            encoder.write(number)
        case .listenToRevocations: encoder.write(Kind.listenToRevocations.rawValue)
        case .nextReady(let queues, let passesOverSuspects):
            encoder.write(Kind.nextReady.rawValue)
            encoder.write(queues) { $0.write($1.description) }
            encoder.write(passesOverSuspects)
        case .leases(let id):
            encoder.write(Kind.leases.rawValue)
            encoder.write(id.rawValue)
        case .order(let id):
            encoder.write(Kind.order.rawValue)
            encoder.write(id.rawValue)
        case .ping: encoder.write(Kind.ping.rawValue)
        }
    }

    /// - Throws: ``MessageDecoder/Malformed``, or ``StintError`` for what no worker asks for.
    init(from decoder: inout MessageDecoder) throws {
        guard let kind = Kind(rawValue: try decoder.number()) else { throw MessageDecoder.Malformed() }
        switch kind {
        case .exchange:
            self = .exchange(
                try decoder.list { try Settlement(from: &$0) }, try decoder.optional { try ClaimRequest(from: &$0) })
        case .extend: self = .extend(try decoder.list { try Lease(from: &$0) }, try decoder.duration())
        case .register:
            self = .register(
                try WorkerRegistration(from: &decoder), try decoder.optional { WorkerID(rawValue: try $0.number()) },
                try decoder.optional { try $0.text() })
        case .deregister: self = .deregister(WorkerID(rawValue: try decoder.number()))
        case .listen: self = .listen(try decoder.list { try QueueName($0.text()) })
        case .stopListening: self = .stopListening(try decoder.number())
        case .listenToRevocations: self = .listenToRevocations
        case .nextReady: self = .nextReady(try decoder.list { try QueueName($0.text()) }, try decoder.bool())
        case .leases: self = .leases(WorkerID(rawValue: try decoder.number()))
        case .order: self = .order(WorkerID(rawValue: try decoder.number()))
        case .ping: self = .ping
        }
        guard decoder.isAtEnd else { throw MessageDecoder.Malformed() }
    }
}
