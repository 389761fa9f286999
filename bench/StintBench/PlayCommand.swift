import ArgumentParser
import Foundation

/// One process of a run: prepares, waits for the barrier, plays its role, reports.
struct PlayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play", abstract: "What stint-bench starts for each process of a run.", shouldDisplay: false)

    @Argument var role: RoleName
    @Argument var assignment: String

    func run() async throws {
        switch role {
        case .worker: try await play(Assignment.self)
        case .waker: try await play(WakeRole.self)
        case .idler: try await play(IdleRole.self)
        case .reader: try await play(ReaderRole.self)
        case .held: try await play(HeldRole.self)
        case .supervisor: try await play(SupervisorRole.self)
        case .supervised: try await play(SupervisedRole.self)
        }
    }

    private func play<Part: Role>(_ type: Part.Type) async throws {
        let role = try JSONDecoder().decode(type, from: Data(assignment.utf8))
        let report = try await role.play { try StartBarrier.wait() }
        print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    }
}
