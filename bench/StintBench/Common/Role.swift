import ArgumentParser

/// The work of one process of a run. It gets it as JSON in an argument, and reports as a line of JSON.
protocol Role: Codable, Sendable {
    associatedtype Report: Codable, Sendable

    static var name: RoleName { get }

    /// Prepares, calls `start`, which returns when the barrier fires, works, and returns its report.
    func play(start: () throws -> StartBarrier) async throws -> Report
}

/// ``PlayCommand`` knows which type each is.
enum RoleName: String, ExpressibleByArgument {
    case worker, waker, idler, reader, held, supervisor, supervised
}
