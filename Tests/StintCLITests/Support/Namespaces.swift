import Foundation

/// Whether this machine lets the tests make namespaces: containers often do not.
enum Namespaces {
    static func canBeMade(_ options: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        process.arguments = options + ["--fork", "true"]
        process.standardError = nil
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
