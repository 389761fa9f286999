import Foundation
import StintCore
import Testing

@testable import StintWeb

@Suite("The OpenAPI document")
struct OpenAPITests {
    private let document: [String: Any]

    init() throws {
        let data = Data(PackageResources.openapi_json)
        document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// `get /jobs/{id}` and the description of each call.
    private func operations() throws -> [String: [String: Any]] {
        let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
        return paths.reduce(into: [:]) { operations, path in
            for (method, operation) in path.value { operations["\(method) \(path.key)"] = operation }
        }
    }

    private var routes: [Route] { Route.all.filter { $0.kind == .api } }

    private func name(_ route: Route) -> String {
        let path = route.path.dropFirst(Route.apiPath.count).split(separator: "/").map {
            $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0)
        }
        return "\(route.method.rawValue.lowercased()) /" + path.joined(separator: "/")
    }

    @Test("has every route, and no other")
    func routesAndDocument() throws {
        #expect(!routes.isEmpty)
        #expect(Set(routes.map(name)) == Set(try operations().keys))
    }

    @Test("names each route's role and what it answers without a token")
    func rolesAndDocument() throws {
        let operations = try operations()
        for route in routes {
            let operation = try #require(operations[name(route)])
            let responses = try #require(operation["responses"] as? [String: Any])
            let description = try #require(operation["description"] as? String)
            if let role = route.role {
                #expect(description.hasSuffix("Needs the role `\(role.rawValue)`."), "\(name(route))")
                #expect(responses["401"] != nil && responses["403"] != nil, "\(name(route))")
            } else {
                #expect(operation["security"] as? [String] == [], "\(name(route))")
            }
        }
    }

    @Test("has the fields of a job that the server knows")
    func fieldsOfJobs() throws {
        let components = try #require(document["components"] as? [String: [String: [String: Any]]])
        let job = try #require(components["schemas"]?["NewJob"]?["properties"] as? [String: Any])
        #expect(Set(job.keys) == Set(NewJob.fieldNames))
    }
}
