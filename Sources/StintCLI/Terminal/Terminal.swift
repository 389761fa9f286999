import Dispatch
import Foundation
import StintPlatform

/// Properties of the terminal that standard output goes to.
enum Terminal {
    /// Whether a program can move the cursor there.
    static var canDraw: Bool {
        isatty(STDOUT_FILENO) == 1 && !["", "dumb"].contains(variable("TERM"))
    }

    /// `false` if the user does not want any (https://no-color.org).
    static var hasColours: Bool { canDraw && variable("NO_COLOR").isEmpty }

    /// 80 by 24 if it is unknown.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return (80, 24) }
        return (size.ws_col > 0 ? Int(size.ws_col) : 80, size.ws_row > 0 ? Int(size.ws_row) : 24)
    }

    /// Whether this process has a controlling terminal. Valid only until that is hung up.
    static var controlsThisProcess: Bool {
        let terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
        guard terminal >= 0 else { return false }
        close(terminal)
        return true
    }

    private static func variable(_ name: String) -> String {
        ProcessInfo.processInfo.environment[name] ?? ""
    }
}
