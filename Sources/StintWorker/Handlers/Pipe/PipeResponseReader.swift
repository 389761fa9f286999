import Logging
import StintCore

/// Reads the answers of a pipe handler's process from its standard output.
///
/// `@unchecked Sendable`: a ``PipeReader`` calls ``append(_:)`` on its queue, one after the other.
final class PipeResponseReader: @unchecked Sendable {
    private let process: PipeProcess
    private let errors: PipeReader
    private let errorLines: OutputLines
    private let longestAnswer: Int
    private var splitter: LineSplitter
    /// Set after a line that is no answer; the rest of the output is ignored.
    private var isBroken = false
    /// Finds the job of a line that is too long to keep.
    private var scanner: PipeResponseScanner?

    /// - Parameter longestAnswer: In bytes.
    init(_ process: PipeProcess, errors: PipeReader, _ errorLines: OutputLines, longestAnswer: Int) {
        self.process = process
        self.errors = errors
        self.errorLines = errorLines
        self.longestAnswer = longestAnswer
        splitter = LineSplitter(limit: longestAnswer)
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard !isBroken else { return }
        splitter.append(bytes) { line, isWhole in
            guard !isBroken else { return }
            isBroken = !(isWhole && scanner == nil ? take(line) : skip(line, isLast: isWhole))
        }
        if isBroken { splitter = LineSplitter(limit: 0) }
    }

    /// Handles a piece of a line that is too long. At its end its job fails, if the line names it.
    private func skip(_ piece: ArraySlice<UInt8>, isLast: Bool) -> Bool {
        var scanner = self.scanner ?? PipeResponseScanner(start: piece.prefix(200))
        scanner.append(piece)
        self.scanner = isLast ? nil : scanner
        guard isLast else {
            let isTooMuch = scanner.length > PipeProcess.longestSkip * longestAnswer
            return scanner.isObject && !isTooMuch || refuse(scanner.start, "longer than \(scanner.length) bytes")
        }
        guard let lease = scanner.lease else {
            return refuse(scanner.start, "longer than \(longestAnswer) bytes, and no answer")
        }
        process.take(PipeResponse(tooLong: scanner.length, limit: longestAnswer, lease), errors: errors, errorLines)
        return true
    }

    private func take(_ line: ArraySlice<UInt8>) -> Bool {
        do {
            process.take(try PipeResponse(line), errors: errors, errorLines)
            return true
        } catch {
            return takeGreeting(line) || refuse(line, "no answer")
        }
    }

    private func takeGreeting(_ line: ArraySlice<UInt8>) -> Bool {
        do {
            process.take(try PipeGreeting(line))
            return true
        } catch {
            return false
        }
    }

    private func refuse(_ line: some Sequence<UInt8>, _ what: String) -> Bool {
        let start = String(decoding: Array(line.prefix(200)), as: UTF8.self)
        process.terminate(
            .protocolBroken(
                "the handler wrote a line that is \(what): \(quoted(start)); its standard output is for answers only, "
                    + "so write everything else to standard error"),
            after: PipeProcess.shortTermination)
        return false
    }
}

extension PipeProcess {
    /// Passes an answer to the run of its job. An answer for a cancelled job changes nothing.
    func take(_ answer: PipeResponse, errors: PipeReader, _ errorLines: OutputLines) {
        let (request, stray) = state.withLock { state -> (PipeRequest?, String?) in
            guard let index = state.requests.firstIndex(where: { $0.isSent && $0.context.lease == answer.lease }) else {
                let isOldToken = state.requests.contains { $0.context.id == answer.lease.job }
                let kind = isOldToken ? "has another token than the job in flight" : "names no job that is in flight"
                return (nil, state.warnings.insert(kind).inserted ? kind : nil)
            }
            return (state.requests.remove(at: index), nil)
        }
        guard let request else {
            if let stray {
                logger.warning(
                    "an answer of the handler \(stray); it is ignored, and so are others like it, without a message",
                    metadata: ["job": "\(answer.lease.job)", "token": "\(answer.lease.token)"])
            }
            return
        }
        request.timer?.cancel()
        // This changes nothing if the job was released already.
        deliver(answer, to: request, errors, errorLines)
        endIfAbandoned()
    }

    private func deliver(
        _ answer: PipeResponse, to request: PipeRequest, _ errors: PipeReader, _ errorLines: OutputLines
    ) {
        let runTime = request.runTime
        if case .success(.done) = answer.verdict {
            return request.response.set(.answered(answer, AttemptDiagnostics(runTimeMilliseconds: runTime)))
        }
        // Its explanation may still be in the pipe of standard error.
        Task { [tail] in
            let said = await errorLines.hurrying {
                await errors.takeWhatIsThere { tail.text(since: request.errorsBefore) }
            }
            request.response.set(
                .answered(answer, AttemptDiagnostics(runTimeMilliseconds: runTime, standardError: said)))
        }
    }
}
