import StintPlatform
import Synchronization

/// A process that ends its workers to start itself again, by `exec`, as the same process. The service manager must not
/// hear that it stops: it would kill it after the time that a stop may take.
package enum RestartInPlace {
    private static let planned = Atomic(false)

    package static var isPlanned: Bool { planned.load(ordering: .acquiring) }
    package static func plan() { planned.store(true, ordering: .releasing) }
}

/// Notifies systemd if it has started the supervisor with `Type=notify` (sd_notify(3)): a datagram to the socket that
/// `NOTIFY_SOCKET` names. Without that variable nothing is sent.
struct ServiceManager: Sendable {
    private let socketPath: [CChar]?

    init() {
        socketPath = getenv("NOTIFY_SOCKET").flatMap { path in
            path.pointee == 0 ? nil : Array(UnsafeBufferPointer(start: path, count: strlen(path) + 1))
        }
    }

    enum Notification: String {
        case ready = "READY=1"
        case stopping = "STOPPING=1"
    }

    /// A failure is ignored: the service manager has timeouts of its own.
    func send(_ notification: Notification) {
        guard var path = socketPath, notification != .stopping || !RestartInPlace.isPlanned else { return }
        var address = sockaddr_un()
        let length = path.count - 1
        guard length < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // An abstract name: a NUL in front instead of the at sign.
        if path[0] == CChar(UInt8(ascii: "@")) { path[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            path.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(length))) }
        }
        let descriptor = LocalSocket.datagram()
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + length)
        let bytes = Array(notification.rawValue.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, bytes, bytes.count, 0, $0, size)
            }
        }
    }
}
