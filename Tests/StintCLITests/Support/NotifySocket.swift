import Foundation
import StintPlatform
import TestSupport

/// The socket on which systemd listens to a service of `Type=notify`.
final class NotifySocket: Sendable {
    let path: String
    private let descriptor: Int32

    init(path: String) throws {
        self.path = path
        descriptor = LocalSocket.datagram()
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    /// The next message, when it comes.
    func next() async throws -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        var count = -1
        try await eventually("the service manager hears something") {
            count = recv(descriptor, &buffer, buffer.count, 0)
            return count > 0
        }
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
