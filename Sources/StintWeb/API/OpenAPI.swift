import HTTPTypes
import Hummingbird

extension Route {
    /// The description of the HTTP API, with this server's own address.
    static func openAPI(_ request: WebRequest) async throws -> Response {
        let text = String(decoding: PackageResources.openapi_json, as: UTF8.self)
        return .text(
            text.replacing("\"url\": \"/api/v1\"", with: "\"url\": \"\(request.dashboard.options.basePath)/api/v1\""),
            type: "application/json")
    }
}

extension HTTPRequest.Method {
    /// A safe request with a body.
    static let query = HTTPRequest.Method("QUERY")!
}
