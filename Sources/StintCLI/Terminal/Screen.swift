import Dispatch
import Foundation
import StintPlatform

/// The whole terminal, from ``enter()`` to ``leave()``, which restores its previous contents, cursor and keyboard mode.
final class Screen {
    /// The previous keyboard mode; `nil` if standard input is no terminal.
    private var modes: termios?

    func enter() throws {
        var modes = termios()
        if tcgetattr(STDIN_FILENO, &modes) == 0 {
            self.modes = modes
            // Keys come at once and are not shown. Ctrl-C stays a signal.
            modes.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(STDIN_FILENO, TCSADRAIN, &modes)
        }
        // The alternate screen, without cursor, and lines that are too long do not wrap.
        try Output.write(Array("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l".utf8))
    }

    /// Shows these lines and nothing else, in one write, so that no half frame is visible.
    func draw(_ lines: [String]) throws {
        var text = ""
        for (index, line) in lines.enumerated() { text += "\u{1B}[\(index + 1);1H\u{1B}[2K\(line)" }
        text += "\u{1B}[\(lines.count + 1);1H\u{1B}[J"
        try Output.write(Array(text.utf8))
    }

    func leave() throws {
        if var modes { tcsetattr(STDIN_FILENO, TCSADRAIN, &modes) }
        modes = nil
        try Output.write(Array("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l".utf8))
    }
}
