import CPostgres
import StintPlatform

/// OpenSSL may hold bytes that it has read from the socket already, and poll(2) knows nothing of those. libpq does not
/// say so; OpenSSL does. It is in the process only if libpq was built with it, so its function is looked up.
enum TLSBuffer {
    private typealias Pending = @convention(c) (UnsafeMutableRawPointer?) -> Int32

    private static let pending: Pending? = dlsym(nil, "SSL_pending").map {
        unsafeBitCast($0, to: Pending.self)
    }

    static func hasInput(_ connection: OpaquePointer) -> Bool {
        guard PQsslInUse(connection) == 1, let session = PQsslStruct(connection, "OpenSSL"), let pending else {
            return false
        }
        return pending(session) > 0
    }
}
