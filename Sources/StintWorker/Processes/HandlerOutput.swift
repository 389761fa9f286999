/// Pipes for the standard output and error of one process, passed on to this process's own line by line (see
/// ``OutputLines``), or captured. The end of standard error is kept.
final class HandlerOutput: Sendable {
    let standardOutput: Launch.Stream
    let standardError: Launch.Stream
    private let childEnds: [Int32]
    private let outputReader: PipeReader
    private let errorReader: PipeReader
    private let lines: [OutputLines]
    private let tail = OutputTail()

    /// Call either ``started()`` or ``cancel()``, and ``finish()`` in the end.
    ///
    /// - Throws: ``StartFailure`` if this process has too many open files.
    ///
    /// - Parameters:
    ///   - longestLine: In bytes, without prefix and line break; longer lines are passed on in pieces.
    ///   - capture: Gets the output instead of this process's own.
    init(prefix: String, longestLine: Int = OutputLines.longestLine, capture: OutputCapture? = nil) throws {
        let output = try Pipe()
        let errors: Pipe
        do {
            errors = try Pipe()
        } catch {
            output.close()
            throw error
        }
        standardOutput = .descriptor(output.writeEnd)
        standardError = .descriptor(errors.writeEnd)
        childEnds = [output.writeEnd, errors.writeEnd]
        lines = [.standardOutput, .standardError].map { OutputLines(to: $0, longestLine: longestLine) { prefix } }
        outputReader = PipeReader(output.readEnd, name: "output", lines: lines[0], capture: capture?.standardOutput)
        errorReader = PipeReader(
            errors.readEnd, name: "errors", lines: lines[1], tail: tail, capture: capture?.standardError)
    }

    /// Closes this side's copies of the process's ends of the pipes, once it has started.
    func started() { closeAll(childEnds) }

    /// Closes everything if no process was started.
    func cancel() async {
        closeAll(childEnds)
        await finish()
    }

    /// Passes on what was written until now and closes the pipes, even if other processes keep their ends open. If this
    /// process's own output is not read, that delays it by at most ``OutputDestination/Limits/patience``; the rest is
    /// dropped.
    func finish() async {
        await lines[0].hurrying { [lines] in
            await lines[1].hurrying {
                await outputReader.finish()
                await errorReader.finish()
            }
        }
    }

    /// The end of its standard error; `nil` if it is empty.
    var lastErrors: String? { tail.text() }

    /// A line of its standard error that explains its death.
    var headline: String? { tail.headline }
}

extension PipeReader {
    /// Passes on lines, or captures them, and keeps the end of the output.
    convenience init(
        _ descriptor: Int32, name: String, lines: OutputLines, tail: OutputTail? = nil,
        capture: OutputCapture.Stream? = nil
    ) {
        self.init(
            descriptor, name: name,
            onBytes: { bytes in
                tail?.append(bytes)
                if let capture { capture.append(bytes) } else { lines.append(bytes) }
            }, onEnd: { lines.finish() })
    }
}
