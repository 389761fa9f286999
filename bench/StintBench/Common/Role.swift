import ArgumentParser

/// What one process of a run does. It is told as JSON in an argument, and reports as a line of JSON.
protocol Role: Codable, Sendable {
    associatedtype Report: Codable, Sendable

    static var name: RoleName { get }

    /// Prepares, calls `start`, which returns when the barrier fires, works, and says what it did.
    func play(start: () throws -> StartBarrier) async throws -> Report
}

/// ``PlayCommand`` knows which type each is.
enum RoleName: String, ExpressibleByArgument {
    case worker, waker, idler, reader
}
