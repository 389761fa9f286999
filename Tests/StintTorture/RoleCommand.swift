import ArgumentParser
import Foundation
import Stint
import StintCore
import StintSQLite
import Torture

/// One process of a run.
struct RoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "role", shouldDisplay: false)

    @Argument var role: Role
    @Option(name: .customLong("db")) var database: String
    @Option(name: .customLong("listen")) var listenURL: String?
    @Option var history: String
    @Option var lease: Int64
    @Option var seed: UInt64
    @Option var without: String?
    @Flag var calm = false
    @Flag var hoards = false

    func run() async throws {
        try removeGuard(without)
        let player = try Player(
            role, database: database, listenURL: listenURL, history: history, lease: .milliseconds(lease), seed: seed,
            isCalm: calm,
            hoards: hoards)
        do {
            try await player.play()
        } catch let error as StintError where error.code == .databaseUnusable {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(RoleExit.databaseUnusable)
        }
    }
}

extension Role: ExpressibleByArgument {}

/// Removes a guard from this process.
func removeGuard(_ name: String?) throws {
    guard let name else { return }
    #if DEBUG
        guard let removed = RemovedGuard(rawValue: name) else {
            throw ValidationError(
                "'\(name)' is no guard; there are \(RemovedGuard.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        removed.remove()
    #else
        throw ValidationError("a release build has all its guards: build for debugging")
    #endif
}
