import StintCore
import StintPlatform

/// A program with its arguments and environment, found and checked: what command and pipe handlers run.
struct HandlerProgram: Sendable {
    private(set) var executable: String
    let arguments: [String]
    let environment: ProcessEnvironment
    /// How much data a process may allocate, in bytes.
    let memoryLimit: Int64?
    /// The current folder of its processes; `nil`: this process's own.
    private(set) var folder: String?
    /// Gets the output of its processes; `nil`: this process's own output gets it.
    private(set) var capture: OutputCapture?

    /// - Throws: ``StintError`` with the code `invalidInput` if there is no such program or a variable is not valid.
    init(_ command: [String], variables: [String: String], memoryLimit: Int64?) throws {
        guard let program = command.first else {
            throw StintError.invalidInput("no command was given: name a program to run for each job")
        }
        guard let executable = Self.locate(program) else {
            throw StintError.invalidInput(
                "there is no program \(quoted(program)) that can be run: check the name, PATH and its permissions")
        }
        if let memoryLimit, memoryLimit <= 0 {
            throw StintError.invalidInput("the memory limit is \(memoryLimit) bytes; it must be above 0")
        }
        self.executable = executable
        self.memoryLimit = memoryLimit
        arguments = Array(command.dropFirst())
        environment = try .forHandlers(variables)
    }

    /// The same program, whose processes run in this folder and whose output is captured.
    func running(in folder: String, capturedBy capture: OutputCapture) -> HandlerProgram {
        var program = self
        if !executable.hasPrefix("/"), let here = getcwd(nil, 0) {
            defer { free(here) }
            program.executable = String(cString: here) + "/" + executable
        }
        program.folder = folder
        program.capture = capture
        return program
    }

    /// Whether the system accepts arguments and an environment of this size, with some reserve for the interpreter's
    /// name and the like.
    func fits(_ environment: ProcessEnvironment) -> Bool {
        let strings = ([executable] + arguments).map(\.utf8.count) + environment.entries.map(\.count)
        // Each string has a NUL, and a pointer to it.
        let size = strings.reduce(0) { $0 + $1 + 1 + MemoryLayout<Int>.size }
        return strings.allSatisfy { $0 < ArgumentLimit.ofEach } && size + 8_192 <= ArgumentLimit.ofAll
    }

    /// A name without a slash is looked up in `PATH`.
    private static func locate(_ program: String) -> String? {
        guard !program.contains("/") else { return isProgram(program) ? program : nil }
        // The default of execvp(3).
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":", omittingEmptySubsequences: false).lazy
            .map { ($0.isEmpty ? "." : $0) + "/" + program }.first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// A launch that dies with this process and leads a group of its own. So Ctrl-C on the terminal reaches only the
    /// worker, which lets the handler finish, and a handler is killed with all that it started.
    func launch(
        _ environment: ProcessEnvironment, input: Pipe, output: Launch.Stream, errors: Launch.Stream
    ) -> Launch {
        let mark = ProcessLauncher.shared.nextMark()
        var environment = environment
        environment.set(ProcessMark.variable, to: mark.text)
        return Launch(
            executable: executable, arguments: arguments, environment: environment, folder: folder,
            standardInput: .descriptor(input.readEnd), standardOutput: output, standardError: errors, ownGroup: true,
            diesWithParent: true, memoryLimit: memoryLimit, endsDescendants: true, mark: mark)
    }
}

extension AttemptDiagnostics {
    /// Diagnostics of an attempt whose process has ended.
    init(_ end: ProcessEnd, standardError: String?) {
        self.init(
            peakMemoryBytes: end.peakMemoryBytes, runTimeMilliseconds: end.ranFor.milliseconds,
            standardError: standardError)
        switch end.status {
        case .exited(let code): exitCode = code
        case .signaled(let number): signal = signalName(number)
        }
    }
}

extension CommandHandler {
    /// Linux: from now on, processes that commands of any handler leave behind become children of this process
    /// (PR_SET_CHILD_SUBREAPER). They get SIGKILL as soon as their command has ended, and are reaped. `stint work` does
    /// this.
    ///
    /// Call it only in processes that start children with Stint alone: any other child after this call looks like one
    /// that a command has left behind, and is killed and reaped too.
    public static func adoptOrphans() { ProcessLauncher.shared.adoptOrphans() }

    /// Checks that the command can be started, without creating a handler.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if there is no such program.
    public static func check(_ command: [String]) throws {
        _ = try HandlerProgram(command, variables: [:], memoryLimit: nil)
    }
}
