import CStint
import StintCore
import StintPlatform

extension Launch {
    /// Starts the process from the calling thread.
    ///
    /// - Throws: ``StartFailure`` with the reason, or ``StintError`` if the arguments are invalid.
    func spawn() throws -> pid_t {
        let arguments = ([executable] + self.arguments).map { Array($0.utf8) }
        guard !arguments.contains(where: { $0.contains(0) }) else {
            throw StintError.invalidInput("an argument of \(quoted(executable)) contains a NUL; remove it")
        }
        let (null, input, output, error) = try descriptors()
        defer { if null >= 0 { close(null) } }
        var id: pid_t = 0
        var step: Int32 = 0
        let failure = withCStrings(arguments) { arguments in
            withCStrings(environment.entries) { environment in
                executable.withCString { path in
                    withCString(folder) { folder in
                        var launch = stint_launch(
                            path: path, arguments: arguments, environment: environment, input: input, output: output,
                            error: error, control: control ?? -1, own_group: ownGroup ? 1 : 0,
                            dies_with_parent: diesWithParent ? 1 : 0, memory_limit: memoryLimit ?? 0,
                            descriptor_limit: DescriptorLimit.ofChildren, folder: folder)
                        return stint_spawn(&launch, &id, &step)
                    }
                }
            }
        }
        guard failure == 0 else { throw self.failure(failure, at: step) }
        return id
    }

    private func failure(_ number: Int32, at step: Int32) -> StartFailure {
        let steps: [UInt32: StartFailure.Step] = [
            stint_step_process.rawValue: .process, stint_step_preparation.rawValue: .preparation,
            stint_step_descriptors.rawValue: .descriptors,
        ]
        var failure = StartFailure(
            steps[UInt32(step)] ?? .program, "the program \(quoted(executable)) cannot be started", number)
        failure.hasProgram = access(executable, F_OK) == 0
        return failure
    }

    /// The descriptors for 0, 1 and 2, and that of /dev/null if it was opened (otherwise -1), which the caller closes.
    private func descriptors() throws -> (null: Int32, input: Int32, output: Int32, error: Int32) {
        var null: Int32 = -1
        func resolve(_ stream: Stream, _ number: Int32) throws -> Int32 {
            switch stream {
            case .descriptor(let descriptor): return descriptor
            // A descriptor that is closed here cannot be inherited.
            case .inherited where fcntl(number, F_GETFD) >= 0: return number
            case .inherited, .null:
                if null < 0 { null = open("/dev/null", O_RDWR | O_CLOEXEC) }
                guard null >= 0 else { throw StartFailure(.pipe, "/dev/null cannot be opened", errno) }
                return null
            }
        }
        let (input, output, error) = try (
            resolve(standardInput, 0), resolve(standardOutput, 1), resolve(standardError, 2)
        )
        return (null, input, output, error)
    }
}

/// Calls `body` with C strings in an array that ends with NULL.
private func withCStrings<Result>(
    _ strings: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let size = strings.reduce(0) { $0 + $1.count + 1 }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(1, size)) { characters in
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        var next = 0
        for string in strings {
            pointers.append(characters.baseAddress?.advanced(by: next))
            for byte in string {
                characters.initializeElement(at: next, to: CChar(bitPattern: byte))
                next += 1
            }
            characters.initializeElement(at: next, to: 0)
            next += 1
        }
        pointers.append(nil)
        return pointers.withUnsafeBufferPointer { pointers in
            guard let first = pointers.baseAddress else { preconditionFailure("there is at least the NULL") }
            return body(first)
        }
    }
}

/// Calls `body` with a C string, or with NULL.
private func withCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}
