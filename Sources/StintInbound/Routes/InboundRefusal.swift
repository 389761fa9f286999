import HTTPTypes
import StintCore

/// Why a post is refused, in one sentence.
struct InboundRefusal: Error, Equatable {
    var status: HTTPResponse.Status
    let detail: String
    /// Whether the post was verified and can never be taken, so that the service should not repeat it.
    var isFinal = false
    var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, _ detail: String, isFinal: Bool = false) {
        self.status = status
        self.detail = detail
        self.isFinal = isFinal
    }

    static func unauthorized(_ detail: String) -> InboundRefusal { InboundRefusal(.unauthorized, detail) }
    static func forbidden(_ detail: String) -> InboundRefusal { InboundRefusal(.forbidden, detail) }
    static func broken(_ detail: String) -> InboundRefusal { InboundRefusal(.badRequest, detail) }
    static func tooLarge(_ detail: String) -> InboundRefusal { InboundRefusal(.contentTooLarge, detail) }

    static func unavailable(_ detail: String, retryAfter seconds: Int = 30) -> InboundRefusal {
        var refusal = InboundRefusal(.serviceUnavailable, detail)
        refusal.headers[.retryAfter] = "\(seconds)"
        return refusal
    }

    /// What a service is told; what only the operator needs to know is logged.
    init(_ error: any Error) {
        switch error {
        case let refusal as InboundRefusal: self = refusal
        case is StintError: self = .unavailable("the queue cannot take the mail now: send it again")
        case is CancellationError: self = .unavailable("the server ends, or the client has gone: send it again")
        default: self.init(.internalServerError, "the server has failed at this request; its log says more")
        }
    }
}
