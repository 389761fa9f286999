import Logging
import StintPlatform

/// Whether a server without passwords may listen at an address.
package enum AddressReach {
    /// Refuses an address that other machines can reach, or warns of it if it is allowed.
    ///
    /// - Parameters:
    ///   - refusal: What everybody there could do.
    ///   - warning: The same, if it is allowed.
    ///   - resolve: Returns the IP address of the host as text.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    package static func check(
        _ host: String, _ port: Int, allowsRemote: Bool, refusal: String, warning: String, _ logger: Logger,
        resolve: () throws -> String?
    ) throws {
        let address: String?
        do { address = try resolve() } catch {
            throw StintError.invalidInput(
                "\(quoted(host)) is no address of this machine; expected one such as 127.0.0.1")
        }
        guard !LoopbackAddress.contains(address) else { return }
        guard allowsRemote else {
            throw StintError.invalidInput(
                "other machines can reach \(host), and \(refusal); expected an address such as 127.0.0.1, or --allow-remote"
            )
        }
        logger.warning(
            "other machines can reach this address\(warning)", metadata: ["address": "\(host):\(port)"])
    }
}
