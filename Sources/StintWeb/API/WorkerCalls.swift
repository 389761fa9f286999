import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    static func listWorkers(_ request: WebRequest) async throws -> Response {
        .json(["workers": try await request.dashboard.queue.workers().map(WorkerFacts.init)])
    }

    private enum Order: String, CaseIterable {
        case quiet, stop, restart, work

        /// `nil` takes the order to be quiet back.
        var order: WorkerOrder? {
            switch self {
            case .quiet: .quiet
            case .stop: .stop
            case .restart: .restart
            case .work: nil
            }
        }
    }

    static func orderWorker(_ request: WebRequest) async throws -> Response {
        struct Facts: Encodable {
            let worker: Int64
            let order: String
        }
        guard let id = Int64(request.parameter("id")), id > 0 else {
            throw WebError(
                .notFound, "\(quotedShort(request.parameter("id"))) is no number of a worker; expected its id")
        }
        let fields = try JSONFields(try await request.json(), known: ["order"])
        guard let order = try fields.choice("order", Order.self) else {
            throw fields.missing("order", Order.allCases.map(\.rawValue).joined(separator: ", "))
        }
        try await request.dashboard.queue.order(order.order, to: WorkerID(rawValue: id))
        return .json(Facts(worker: id, order: order.rawValue))
    }

    static func restartAllWorkers(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        try await request.dashboard.queue.restartWorkers()
        return Response(status: .noContent)
    }
}
