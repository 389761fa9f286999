/// The addresses that only this machine can reach.
package enum LoopbackAddress {
    /// - Parameter address: As text; `nil`: none that has one.
    package static func contains(_ address: String?) -> Bool {
        address.map { $0 == "::1" || $0.hasPrefix("127.") } ?? false
    }
}
