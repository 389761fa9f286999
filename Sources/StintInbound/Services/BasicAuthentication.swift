import HTTPTypes
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A user and a password that a service sends with each post.
struct BasicAuthentication: Sendable {
    private let expected: [UInt8]

    init(user: String, password: String) { expected = Array("\(user):\(password)".utf8) }

    /// - Throws: ``InboundRefusal``.
    func check(_ headers: HTTPFields) throws {
        func refusal(_ detail: String) -> InboundRefusal {
            var refusal = InboundRefusal.unauthorized(detail)
            refusal.headers[.wwwAuthenticate] = "Basic realm=\"inbound mail\""
            return refusal
        }
        guard let header = headers[.authorization], header.utf8.count <= 4_096, header.lowercased().hasPrefix("basic "),
            let given = Data(base64Encoded: String(header.dropFirst(6).filter { $0 != " " }))
        else {
            throw refusal("the post has no user and password: write them into the address that the service posts to")
        }
        guard ConstantTime.isEqual([UInt8](given), expected) else {
            throw refusal("the user or the password is wrong: compare the address that the service posts to")
        }
    }
}
