import Foundation
import StintCore
import StintPlatform

/// What a supervisor tells a process that it starts as a worker, in the environment. Reading it changes nothing.
struct SupervisorOffer {
    /// Names the descriptor, the worker's number, the supervisor's process id, the worker's mark and, if there is one,
    /// the supervisor's sign: `3 2 4711 9af03c supervisor-4711-9f3c`.
    static let variable = "STINT_SUPERVISOR"

    /// Names the version of the protocol by which workers can use the store through their supervisor. A worker that does not know
    /// it, or a supervisor that offers none, is of another version of the program: the worker uses the store by
    /// itself then.
    ///
    /// The identity of the supervisor's store follows: a worker of another database uses that by itself.
    static let storeVariable = "STINT_SUPERVISOR_STORE"
    private static let storeProtocol = "1"

    /// What the variable has for a store; `nil` if it is not known which database that is.
    static func text(of store: any SharedStore) -> String? { store.identity.map { "\(storeProtocol) \($0)" } }

    /// What the supervisor of this process has offered; `nil`: nothing.
    static var store: String? { getenv(storeVariable).map { String(cString: $0) } }

    let channel: Int32
    let number: Int
    let supervisor: pid_t
    let mark: ProcessMark
    let sign: String?

    /// `nil` if no supervisor started this process. A handler may have inherited the variable from a worker, without
    /// the socket.
    static var ofThisProcess: SupervisorOffer? {
        getenv(variable).flatMap { SupervisorOffer(String(cString: $0)) }
    }

    init?(_ text: String) {
        let words = text.split(separator: " ")
        let numbers = words.prefix(3).compactMap { Int32($0) }
        guard words.count >= 4, numbers.count == 3, LocalSocket.peer(of: numbers[0]) == numbers[2] else { return nil }
        channel = numbers[0]
        number = Int(numbers[1])
        supervisor = numbers[2]
        mark = ProcessMark(text: String(words[3]))
        sign = words.count > 4 ? String(words[4]) : nil
    }
}
