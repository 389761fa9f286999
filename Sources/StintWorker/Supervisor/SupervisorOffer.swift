import Foundation
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What a supervisor tells a process that it starts as a worker, in the environment. Reading it changes nothing.
struct SupervisorOffer {
    /// Names the descriptor, the worker's number, the supervisor's process id, the worker's mark and, if there is one,
    /// the supervisor's sign: `3 2 4711 9af03c supervisor-4711-9f3c`.
    static let variable = "STINT_SUPERVISOR"

    let channel: Int32
    let number: Int
    let supervisor: pid_t
    let mark: ProcessMark
    let sign: String?

    /// `nil` if no supervisor started this process. A handler may have inherited the variable from a worker, without the
    /// socket.
    static var ofThisProcess: SupervisorOffer? {
        getenv(variable).flatMap { SupervisorOffer(String(cString: $0)) }
    }

    init?(_ text: String) {
        let words = text.split(separator: " ")
        let numbers = words.prefix(3).compactMap { Int32($0) }
        guard words.count >= 4, numbers.count == 3, Self.peer(of: numbers[0]) == numbers[2] else { return nil }
        channel = numbers[0]
        number = Int(numbers[1])
        supervisor = numbers[2]
        mark = ProcessMark(text: String(words[3]))
        sign = words.count > 4 ? String(words[4]) : nil
    }

    /// The process at the other end of a socket; `nil` if it is no socket.
    private static func peer(of descriptor: Int32) -> pid_t? {
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
