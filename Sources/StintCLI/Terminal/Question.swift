import Foundation
import StintCore
import StintPlatform

/// A yes-or-no question on the terminal.
enum Question {
    /// Whether there is a terminal to ask on.
    static var canBeAsked: Bool { isatty(STDIN_FILENO) == 1 && terminal != nil }

    /// Standard error if it is a terminal, otherwise standard output: the other may go to a file.
    private static var terminal: CInt? { [STDERR_FILENO, STDOUT_FILENO].first { isatty($0) == 1 } }

    /// - Returns: Whether the answer is `y` or `yes`.
    static func ask(_ text: String) async -> Bool {
        guard let terminal else { return false }
        let bytes = Array("\(oneLine(text, limit: 2_000)) [y/N] ".utf8)
        _ = bytes.withUnsafeBytes { StintPlatform.write(terminal, $0.baseAddress, $0.count) }
        // A separate thread, since it may wait for ever.
        let answer = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: readLine()) }
        }
        return ["y", "yes"].contains(answer?.lowercased())
    }
}
