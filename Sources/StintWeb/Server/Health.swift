import Hummingbird
import StintCore

extension Route {
    /// Whether the store can be read.
    static func readiness(_ request: WebRequest) async throws -> Response {
        do {
            try request.dashboard.queue.store.checkStillThere()
            _ = try await request.dashboard.queue.workers()
            return .text("ready\n")
        } catch {
            request.dashboard.options.logger.warning("not ready", metadata: ["error": "\(error)"])
            return .text("not ready\n", status: .serviceUnavailable)
        }
    }
}
