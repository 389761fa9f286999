/// Pipes for the standard output and error of one process, passed on to this process's own line by line (see
/// ``OutputLines``); the last of standard error is kept.
final class HandlerOutput: Sendable {
    let standardOutput: Launch.Stream
    let standardError: Launch.Stream
    private let childEnds: [Int32]
    private let outputReader: PipeReader
    private let errorReader: PipeReader
    private let lines: [OutputLines]
    private let tail = OutputTail()

    /// Either ``started()`` or ``cancel()`` must be called, and ``finish()`` in the end.
    ///
    /// - Throws: ``StartFailure`` where this process has too many open files.
    ///
    /// - Parameter longestLine: In bytes, without prefix and line break; what is longer goes out in pieces.
    init(prefix: String, longestLine: Int = OutputLines.longestLine) throws {
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
        outputReader = PipeReader(output.readEnd, name: "output", lines: lines[0])
        errorReader = PipeReader(errors.readEnd, name: "errors", lines: lines[1], tail: tail)
    }

    /// The process has its ends of the pipes: this side's copies go.
    func started() { closeAll(childEnds) }

    /// There will be no process.
    func cancel() async {
        closeAll(childEnds)
        await finish()
    }

    /// Passes on what was written until now and closes the pipes, although others may keep their other ends open. A reader
    /// of this process's output that does not read holds it up for ``OutputDestination/Limits/patience`` at the most; what
    /// finds no room then is dropped.
    func finish() async {
        await lines[0].hurrying { [lines] in
            await lines[1].hurrying {
                await outputReader.finish()
                await errorReader.finish()
            }
        }
    }

    /// The last of its standard error; `nil` where nothing was said.
    var lastErrors: String? { tail.text() }

    /// A line of its standard error that tells why it died.
    var headline: String? { tail.headline }
}

extension PipeReader {
    /// Passes on lines, and keeps the last of them.
    convenience init(_ descriptor: Int32, name: String, lines: OutputLines, tail: OutputTail? = nil) {
        self.init(
            descriptor, name: name,
            onBytes: { bytes in
                tail?.append(bytes)
                lines.append(bytes)
            }, onEnd: { lines.finish() })
    }
}
