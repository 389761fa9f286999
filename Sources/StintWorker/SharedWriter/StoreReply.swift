import StintCore

/// A supervisor's answer to a ``StoreRequest``. Settlements, claims, extensions and registrations in it are durable.
enum StoreReply: Sendable {
    case exchanged(ClaimedExchange)
    /// With the jobs' payloads, of a store whose workers do not read them by themselves.
    case leased(Exchange)
    /// The leases that are not valid any more.
    case extended([Lease])
    case registered(WorkerID)
    /// It is done, and there is nothing to return.
    case done
    /// A wake-up, or the answer to a look.
    case next(NextReady)
    /// Jobs were revoked, and by which process.
    case revoked(String)
    case held([HeldJob])
    case order(WorkerOrder?)
    case failed(StintError)

    private enum Kind: UInt8 {
        case exchanged = 1
        case extended, registered, done, next, failed, leased, revoked, held, order
    }

    func encode(into encoder: inout MessageEncoder) {
        switch self {
        case .exchanged(let exchange):
            encoder.write(Kind.exchanged.rawValue)
            exchange.encode(into: &encoder)
        case .leased(let exchange):
            encoder.write(Kind.leased.rawValue)
            exchange.encode(into: &encoder)
        case .extended(let lost):
            encoder.write(Kind.extended.rawValue)
            encoder.write(lost) { $1.encode(into: &$0) }
        case .registered(let id):
            encoder.write(Kind.registered.rawValue)
            encoder.write(id.rawValue)
        case .done: encoder.write(Kind.done.rawValue)
        case .next(let next):
            encoder.write(Kind.next.rawValue)
            switch next {
            case .now: encoder.write(0 as UInt8)
            case .unknown: encoder.write(1 as UInt8)
            case .after(let duration):
                encoder.write(2 as UInt8)
                encoder.write(duration)
            }
        case .revoked(let origin):
            encoder.write(Kind.revoked.rawValue)
            encoder.write(origin)
        case .held(let jobs):
            encoder.write(Kind.held.rawValue)
            encoder.write(jobs) { $1.encode(into: &$0) }
        case .order(let order):
            encoder.write(Kind.order.rawValue)
            encoder.write(order) { $0.write($1.rawValue) }
        case .failed(let error):
            encoder.write(Kind.failed.rawValue)
            encoder.write(error.code.description)
            encoder.write(error.description)
        }
    }

    init(from decoder: inout MessageDecoder) throws {
        guard let kind = Kind(rawValue: try decoder.number()) else { throw MessageDecoder.Malformed() }
        switch kind {
        case .exchanged: self = .exchanged(try ClaimedExchange(from: &decoder))
        case .leased: self = .leased(try Exchange(from: &decoder))
        case .extended: self = .extended(try decoder.list { try Lease(from: &$0) })
        case .registered: self = .registered(WorkerID(rawValue: try decoder.number()))
        case .done: self = .done
        case .next:
            switch try decoder.number(UInt8.self) {
            case 0: self = .next(.now)
            case 1: self = .next(.unknown)
            case 2: self = .next(.after(try decoder.duration()))
            default: throw MessageDecoder.Malformed()
            }
        case .revoked: self = .revoked(try decoder.text())
        case .held: self = .held(try decoder.list { try HeldJob(from: &$0) })
        case .order:
            self = .order(
                try decoder.optional {
                    guard let order = WorkerOrder(rawValue: try $0.text()) else { throw MessageDecoder.Malformed() }
                    return order
                })
        case .failed:
            self = .failed(StintError(StintError.Code(description: try decoder.text()), try decoder.text()))
        }
        guard decoder.isAtEnd else { throw MessageDecoder.Malformed() }
    }

    /// What it has claimed for the worker.
    var leases: [Lease] {
        switch self {
        case .exchanged(let exchange): exchange.jobs.map(\.lease)
        case .leased(let exchange): exchange.jobs.map(\.lease)
        case .extended, .registered, .done, .next, .revoked, .held, .order, .failed: []
        }
    }
}
