import AsyncHTTPClient
import NIOCore
import NIOSSL

/// Gets a small file over TLS, within limits of size and time. It follows no redirect.
package struct HTTPSFetch: Sendable {
    package static let mostBytes = 65_536

    package var tls = TLSConfiguration.makeClientConfiguration()
    package var timeout: TimeAmount = .seconds(10)

    package init() {}

    /// - Throws: If there is no answer with 200 within the limits.
    package func get(_ url: String) async throws -> [UInt8] {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: timeout, read: timeout))
        configuration.httpVersion = .http1Only
        return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
            let response = try await client.execute(HTTPClientRequest(url: url), timeout: timeout)
            guard response.status == .ok else { throw FetchFailure("\(url) answers \(response.status.code)") }
            return [UInt8](try await response.body.collect(upTo: Self.mostBytes).readableBytesView)
        }
    }
}

struct FetchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
