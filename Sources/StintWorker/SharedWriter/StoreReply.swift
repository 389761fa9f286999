import StintCore

/// A supervisor's answer to a ``StoreRequest``. What it tells is durable.
enum StoreReply: Sendable {
    case exchanged(ClaimedExchange)
    /// The leases that are not valid any more.
    case extended([Lease])
    case registered(WorkerID)
    /// Nothing is to be said.
    case done
    /// A wake-up.
    case next(NextReady)
    case failed(StintError)

    private enum Kind: UInt8 {
        case exchanged = 1
        case extended, registered, done, next, failed
    }

    func encode(into encoder: inout MessageEncoder) {
        switch self {
        case .exchanged(let exchange):
            encoder.write(Kind.exchanged.rawValue)
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
        case .failed:
            self = .failed(StintError(StintError.Code(description: try decoder.text()), try decoder.text()))
        }
        guard decoder.isAtEnd else { throw MessageDecoder.Malformed() }
    }
}
