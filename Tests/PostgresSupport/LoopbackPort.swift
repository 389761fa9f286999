import StintPlatform
import TestSupport

/// A port on loopback.
package struct LoopbackPort: ~Copyable {
    package let number: UInt16
    private let socket: Int32?

    /// - Parameter listens: Whether clients can connect to it, to a server that says nothing. Else it is one that was free
    ///   a moment ago, for a server that a test starts.
    package init(listens: Bool = false) throws {
        let (descriptor, port) = try listeningSocket()
        number = port
        socket = listens ? descriptor : nil
        if !listens { close(descriptor) }
    }

    deinit {
        if let socket { close(socket) }
    }
}
