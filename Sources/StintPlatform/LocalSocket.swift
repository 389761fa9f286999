/// Sockets between processes of this machine: unix(7).
package enum LocalSocket {
    #if canImport(Glibc)
        private static let stream = Int32(SOCK_STREAM.rawValue)
        private static let datagrams = Int32(SOCK_DGRAM.rawValue)
    #else
        private static let stream = SOCK_STREAM
        private static let datagrams = SOCK_DGRAM
    #endif

    /// The two ends of a connection, which no other program inherits.
    package static func pair() throws(Errno) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, stream, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// A socket for datagrams, which no other program inherits; -1 if there is none.
    package static func datagram() -> Int32 {
        #if canImport(Darwin)
            return socket(AF_UNIX, datagrams, 0)
        #else
            return socket(AF_UNIX, datagrams | closeOnExec, 0)
        #endif
    }

    #if canImport(Glibc)
        private static let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)
    #elseif canImport(Musl)
        private static let closeOnExec = SOCK_CLOEXEC
    #endif

    /// Sends without blocking and without SIGPIPE.
    ///
    /// - Returns: How many bytes there was room for.
    package static func send(_ bytes: [UInt8], to descriptor: Int32) -> Int {
        #if canImport(Darwin)
            max(0, Darwin.send(descriptor, bytes, bytes.count, MSG_DONTWAIT))
        #else
            max(0, StintPlatform.send(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)))
        #endif
    }

    /// The process at the other end of a connection; `nil` if it is no socket.
    package static func peer(of descriptor: Int32) -> pid_t? {
        #if canImport(Darwin)
            var process: pid_t = 0
            var size = socklen_t(MemoryLayout<pid_t>.size)
            guard getsockopt(descriptor, SOL_LOCAL, LOCAL_PEERPID, &process, &size) == 0 else { return nil }
            return process
        #else
            // `struct ucred`: process, user and group, 32 bits each. Swift's Glibc module does not have it.
            var credentials: [Int32] = [0, 0, 0]
            var size = socklen_t(12)
            guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
            return credentials[0]
        #endif
    }
}
