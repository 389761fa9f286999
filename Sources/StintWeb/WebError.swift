import HTTPTypes
import StintCore

/// Why a request is refused, in one sentence.
struct WebError: Error {
    let status: HTTPResponse.Status
    let detail: String
    /// Further headers of the answer.
    var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, _ detail: String) {
        self.status = status
        self.detail = detail
    }

    static func noPage(_ path: String) -> WebError { WebError(.notFound, "there is nothing at \(path)") }

    init(_ error: any Error) {
        switch error {
        case let error as WebError: self = error
        case let error as StintError:
            let status: HTTPResponse.Status =
                switch error.code {
                case .invalidInput: .badRequest
                case .notFound: .notFound
                case .leaseLost: .conflict
                case .databaseBusy, .databaseUnusable, .closed: .serviceUnavailable
                case .storageFailed: .init(code: 507, reasonPhrase: "Insufficient Storage")
                default: .internalServerError
                }
            self.init(status, error.description)
            if status == .serviceUnavailable { headers[.retryAfter] = "1" }
        case is CancellationError:
            self.init(.serviceUnavailable, "the request was ended by its client, or the server ends")
        default: self.init(.internalServerError, "the server has failed at this request; its log says more")
        }
    }

    /// The problem as RFC 9457 has it.
    struct Problem: Encodable {
        var type = "about:blank"
        let title: String
        let status: Int
        let detail: String
    }

    var problem: Problem { Problem(title: status.reasonPhrase, status: status.code, detail: detail) }
}
