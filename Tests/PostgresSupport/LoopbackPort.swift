import StintPlatform

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

/// A socket that listens on a port of loopback.
func listeningSocket() throws -> (descriptor: Int32, port: UInt16) {
    #if os(Linux)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                && getsockname(descriptor, $0, &length) == 0
        }
    }
    guard isBound else { throw ClusterFailure("there is no port on loopback: \(systemError())") }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}
