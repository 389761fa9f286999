import Logging
import StintCore

/// Takes the answers of a pipe handler's process from its standard output.
///
/// `@unchecked Sendable`: a ``PipeReader`` calls ``append(_:)`` on its queue, one after the other.
final class PipeAnswers: @unchecked Sendable {
    private let process: PipeProcess
    private let errors: PipeReader
    private let errorLines: OutputLines
    private var splitter = LineSplitter(limit: PipeProcess.longestAnswer)
    /// What follows a line that is no answer is not looked at.
    private var isBroken = false

    init(_ process: PipeProcess, errors: PipeReader, _ errorLines: OutputLines) {
        self.process = process
        self.errors = errors
        self.errorLines = errorLines
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard !isBroken else { return }
        splitter.append(bytes) { line, isWhole in
            guard !isBroken else { return }
            isBroken = !(isWhole ? take(line) : refuse(line, "longer than 24 MiB"))
        }
        if isBroken { splitter = LineSplitter(limit: PipeProcess.longestAnswer) }
    }

    private func take(_ line: ArraySlice<UInt8>) -> Bool {
        do {
            process.take(try PipeAnswer(line), errors: errors, errorLines)
            return true
        } catch {
            return refuse(line, "no answer")
        }
    }

    private func refuse(_ line: ArraySlice<UInt8>, _ what: String) -> Bool {
        let start = String(decoding: line.prefix(200), as: UTF8.self)
        process.terminate(
            .protocolBroken(
                "the handler wrote a line that is \(what): \(quoted(start)); its standard output is for answers only, "
                    + "so write everything else to standard error"),
            after: PipeProcess.shortTermination)
        return false
    }
}

extension PipeProcess {
    /// Hands an answer to the run of its job. One that nobody waits for changes nothing.
    func take(_ answer: PipeAnswer, errors: PipeReader, _ errorLines: OutputLines) {
        let (flight, stray) = state.withLock { state -> (PipeFlight?, String?) in
            guard let index = state.flights.firstIndex(where: { $0.isSent && $0.context.lease == answer.lease }) else {
                let isOldToken = state.flights.contains { $0.context.id == answer.lease.job }
                let kind = isOldToken ? "has another token than the job in flight" : "names no job that is in flight"
                return (nil, state.warnings.insert(kind).inserted ? kind : nil)
            }
            return (state.flights.remove(at: index), nil)
        }
        guard let flight else {
            if let stray {
                logger.warning(
                    "an answer of the handler \(stray); it is ignored, and others like it without a word",
                    metadata: ["job": "\(answer.lease.job)", "token": "\(answer.lease.token)"])
            }
            return
        }
        flight.timer?.cancel()
        // For one that was released already this changes nothing.
        deliver(answer, to: flight, errors, errorLines)
        endIfAbandoned()
    }

    private func deliver(
        _ answer: PipeAnswer, to flight: PipeFlight, _ errors: PipeReader, _ errorLines: OutputLines
    ) {
        let runTime = flight.runTime
        if case .success(.done) = answer.verdict {
            return flight.whenOver.set(.answered(answer, Dossier(runTimeMilliseconds: runTime)))
        }
        // What it has said to explain itself is in the other pipe.
        Task { [tail] in
            let said = await errorLines.hurrying {
                await errors.takeWhatIsThere { tail.text(since: flight.errorsBefore) }
            }
            flight.whenOver.set(.answered(answer, Dossier(runTimeMilliseconds: runTime, standardError: said)))
        }
    }
}
