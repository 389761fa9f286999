import ArgumentParser
import Foundation
import Stint
import StintCore
import Torture

struct OtherVersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "other-version",
        abstract: "An older or newer Stint beside others, for the tests of upgrades.",
        discussion: """
            Example:
              stint-torture other-version --schema 2 --db /tmp/stint.db work
            """)

    enum Action: String, ExpressibleByArgument, CaseIterable {
        case open, work
    }

    @Option(help: "How many migrations it knows.")
    var schema: Int
    @Option(name: .customLong("db"), help: "The database.")
    var file: String
    @Argument(help: "open: opens it. work: puts, claims and acknowledges jobs until it is refused.")
    var action: Action

    func run() async throws {
        let version = OtherVersion(schema: schema, at: file)
        do {
            switch action {
            case .open: try await version.open()
            case .work: try await version.work()
            }
        } catch let error as StintError {
            FileHandle.standardError.write(Data("\(error.code): \(error)\n".utf8))
            throw ExitCode(error.code == .databaseUnusable ? 69 : 1)
        }
    }
}
