import Hummingbird
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    /// How long the page of a run that goes on waits for its end.
    private static let patience: Duration = .seconds(20)

    /// Runs the command that the server was started with for the job's queue. Nothing of the request is a part of it.
    static func beginDryRun(_ request: WebRequest, _ form: Form) async throws -> String {
        let id = try request.jobID()
        let dashboard = request.dashboard
        guard let record = try await dashboard.queue.job(id)?.record else { throw StintError.notFound(id) }
        guard let perform = dashboard.options.dryRuns[record.queue] else {
            throw WebError(
                .badRequest,
                "this server knows no command for dry runs of queue \(quoted(record.queue.description)): start it with --dry-run-command"
            )
        }
        guard record.state == .buried else {
            throw WebError(.badRequest, "job \(id) is \(record.state.rawValue), not buried: there is nothing to try")
        }
        let run = try dashboard.dryRuns.begin(id, in: record.queue, by: request.user.name, perform)
        dashboard.options.logger.notice(
            "a dry run begins", metadata: ["job": "\(id)", "user": "\(request.user.name)"])
        return "/jobs/\(id)/dry-runs/\(run)"
    }

    static func dryRunPage(_ request: WebRequest) async throws -> Response {
        let id = try request.jobID()
        let dashboard = request.dashboard
        guard let number = Int(request.parameter("run")),
            let run = await dashboard.dryRuns.run(number, of: id, waiting: patience)
        else {
            throw WebError(.notFound, "there is no such dry run; this server remembers the last twenty since its start")
        }
        let facts = DryRunFacts(run, isRedacted: !dashboard.options.redacted.isEmpty)
        if request.wantsJSON { return .json(facts) }
        var response = request.html(
            Page(
                title: "Dry run of job \(id)", section: "jobs", template: "dry-run",
                view: DryRunView(facts, run, request), facts: facts))
        // The next request waits too, so this is no busy loop, and it works without a script.
        if run.result == nil { response.headers[.init("refresh")!] = "0" }
        return response
    }
}

struct DryRunFacts: Encodable, Sendable {
    let isRunning: Bool
    let user: String
    let begunAt: Date
    /// Why there is no report.
    let problem: String?
    let report: DryRunReport?
    /// Whether what may show values of the payload is left out.
    let isRedacted: Bool

    init(_ run: DryRuns.Run, isRedacted: Bool) {
        isRunning = run.result == nil
        user = run.user
        begunAt = run.begunAt
        self.isRedacted = isRedacted
        switch run.result {
        case .success(var report):
            if isRedacted {
                report.standardOutput = .init([], total: report.standardOutput.total)
                report.followUps = []
            }
            (self.report, problem) = (report, nil)
        case .failure(let error): (report, problem) = (nil, WebError(error).detail)
        case nil: (report, problem) = (nil, nil)
        }
    }
}

private struct DryRunView {
    struct Output {
        let key: String
        let title: String
        let size: String
        let text: String
        let isEmpty: Bool
        let isHidden: Bool
    }

    struct FollowUp {
        let queue: String
        let name: String?
        let size: String
    }

    let job: String
    let jobHref: String
    let isRunning: Bool
    let problem: String?
    let sentence: String?
    let isDone: Bool
    let hint: String?
    let user: String
    let begun: TimeView
    let ran: String?
    let ending: String?
    let memory: String?
    let outputs: [Output]
    let followUps: [FollowUp]
    let hasFollowUps: Bool
    let again: String

    init(_ facts: DryRunFacts, _ run: DryRuns.Run, _ request: WebRequest) {
        let base = request.dashboard.options.basePath
        job = run.job.description
        jobHref = "\(base)/jobs/\(run.job)"
        again = "\(jobHref)/dry-runs"
        isRunning = facts.isRunning
        problem = facts.problem
        user = facts.user
        begun = TimeView(facts.begunAt, now: Date())
        let report = facts.report
        sentence = report?.sentence
        isDone = report?.verdict == .done
        hint = report?.hint
        ran = report.map { Words.duration($0.runTime) }
        ending = report?.diagnostics?.howItEnded
        memory = Words.bytes(report?.diagnostics?.peakMemoryBytes)
        func output(_ key: String, _ title: String, _ output: DryRunReport.Output) -> Output {
            let isHidden = output.bytes.isEmpty && output.total > 0
            let size =
                output.isCut && !isHidden
                ? "the last \(Words.count(output.bytes.count)) of \(Words.count(output.total)) bytes"
                : "\(Words.count(output.total)) bytes"
            return Output(
                key: key, title: title, size: size, text: output.text, isEmpty: output.total == 0, isHidden: isHidden)
        }
        outputs =
            report.map {
                [
                    output("output", "Standard output", $0.standardOutput),
                    output("errors", "Standard error", $0.standardError),
                ]
            } ?? []
        followUps =
            report?.followUps.map {
                FollowUp(
                    queue: $0.queue.description, name: $0.options.headers[Headers.jobName],
                    size: Words.bytes(Int64($0.payload.count)) ?? "")
            } ?? []
        hasFollowUps = !followUps.isEmpty
    }
}
