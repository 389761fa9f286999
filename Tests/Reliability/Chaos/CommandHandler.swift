import Foundation
import History
import StintCore

/// Runs the job that `stint work` hands to this process on standard input and in its environment.
///
/// - Returns: The exit code for its outcome.
package func handleJob(database: String, history: String) async throws -> Int32 {
    let environment = ProcessInfo.processInfo.environment
    func number(_ name: String) throws -> Int64 {
        guard let number = environment[name].flatMap({ Int64($0) }) else { throw HistoryError("\(name) is not set") }
        return number
    }
    let (job, token) = try (number("STINT_JOB_ID"), number("STINT_TOKEN"))
    let payload = FileHandle.standardInput.readDataToEndOfFile()
    let log = try HistoryLog(history, process: ProcessName.own)
    log.append(.began(supervisor: nil, role: History.command))
    let text = String(decoding: payload, as: UTF8.self)
    let events = environment["STINT_EVENTS"] == nil ? nil : text.split(separator: "\n").map(String.init)
    if let events { log.append(.handedEvents(job: job, token: token, references: events)) }
    log.append(.handlerStarted(job: job, token: token))
    do {
        try await JobKind(payload: events?.first ?? text)
            .perform(attempt: Int(number("STINT_ATTEMPT")), token: token, database: database)
    } catch JobVerdict.bury {
        return say(.bury, 65)
    } catch is JobVerdict {
        return say(.fail, 75)
    }
    log.append(.handlerFinished(job: job, token: token))
    return say(.ack, 0)

    /// The worker passes it to the store, and this process does not learn the outcome.
    func say(_ outcome: Call.Outcome, _ code: Int32) -> Int32 {
        log.append(.invoked(call: 1, .exchange([.init(.init(job: job, token: token), outcome)], claim: nil)))
        return code
    }
}
