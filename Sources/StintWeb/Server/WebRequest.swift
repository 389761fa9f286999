import HTTPTypes
import Hummingbird
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A request of a known user, with bounded inputs.
struct WebRequest: Sendable {
    /// The most bytes of a query, and of one of its values.
    static let maximumQueryBytes = 8_192
    /// The most bytes of a form, with a job's payload.
    static let maximumFormBytes = 2 * 1_048_576

    let dashboard: Dashboard
    let request: Request
    /// The named parts of the path.
    let parameters: [String: String]
    let user: WebUser
    let isSecure: Bool
    let session: String?
    /// The secret of a browser that signs in.
    var formSecret: String?
    /// The address that the connection comes from, if it is known.
    var peer: String?
    /// `nil`: not known.
    var connection: (any ConnectionContext)?

    /// The form, if it was read to find out where it comes from.
    var checkedForm: Form?

    var path: String { request.uri.path }
    /// Whether the answer is to be JSON.
    var wantsJSON = false
    /// Whether a payload may be answered as a document.
    var showsFrame = true

    func query(_ name: String) -> String? {
        request.uri.queryParameters[Substring(name)].map(String.init)
    }

    /// What the forms of this browser's pages contain; `nil` without a session.
    var formToken: String? { session.map(dashboard.formTokens.token) }

    /// A page for the user of this request.
    func html(_ page: Page) -> Response {
        dashboard.templates.page(page, dashboard, user: user, path: request.uri.description, formToken: formToken)
    }

    func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// The number in the path.
    func jobID() throws -> JobID {
        guard let number = Int64(parameter("id")), number > 0 else {
            throw WebError(.notFound, "\(parameter("id").prefix(40)) is no id of a job; expected a number")
        }
        return JobID(rawValue: number)
    }

    func queueName() throws -> QueueName { try QueueName(parameter("name")) }

    /// The fields of a form.
    func form() async throws -> Form {
        if let checkedForm { return checkedForm }
        let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
        guard type == "application/x-www-form-urlencoded" else {
            throw WebError(
                .unsupportedMediaType,
                "the body is \(type ?? "of no type"); expected application/x-www-form-urlencoded")
        }
        let body = try await bytes(atMost: Self.maximumFormBytes)
        guard let text = String(bytes: body, encoding: .utf8) else {
            throw WebError(.badRequest, "the form is not UTF-8 text")
        }
        return try Form(text)
    }

    static func checkIsJSON(_ headers: HTTPFields) throws {
        let type = headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        guard type?.split(separator: " ").first == "application/json" else {
            throw WebError(
                .unsupportedMediaType,
                "the body is \(type.map { quotedShort($0) } ?? "of no type"); expected Content-Type: application/json, also with an empty body"
            )
        }
    }

    /// - Parameter take: Called with the number of bytes of each part.
    func bytes(atMost limit: Int, reserving take: (Int) throws -> Void = { _ in }) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in request.body {
            try take(part.readableBytes)
            guard bytes.count + part.readableBytes <= limit else {
                throw WebError(
                    .contentTooLarge, "the body is larger than \(limit) bytes, the most that this address accepts")
            }
            bytes += part.readableBytesView
        }
        return bytes
    }
}

/// The fields of a form, in their order.
struct Form: Sendable {
    private let fields: [(name: String, value: String)]

    init(_ text: String) throws {
        var fields: [(String, String)] = []
        for pair in text.split(separator: "&") {
            guard fields.count < 5_000 else { throw WebError(.badRequest, "the form has more than 5000 fields") }
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { $0.replacing("+", with: " ").removingPercentEncoding }
            guard let name = decoded[0], let value = decoded.count > 1 ? decoded[1] : "" else {
                throw WebError(.badRequest, "the form has a field that is not percent-encoded UTF-8")
            }
            fields.append((name, value))
        }
        self.fields = fields
    }

    subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    func text(_ name: String) throws -> String {
        guard let value = self[name] else { throw WebError(.badRequest, "the form has no field \(name)") }
        return value
    }
}
