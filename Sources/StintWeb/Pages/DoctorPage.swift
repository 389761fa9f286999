import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func doctorPage(_ request: WebRequest) async throws -> Page {
        let dashboard = request.dashboard
        let report = try await dashboard.examinations.report()
        return Page(
            title: "Doctor", section: "doctor", template: "doctor", view: DoctorView(report, request, now: Date()),
            facts: DoctorFacts(report), isLive: report.runsSince != nil,
            notice: Notices.text(request))
    }

    /// Begins to read everything.
    static func examine(_ request: WebRequest, _ form: Form) async throws -> String {
        let dashboard = request.dashboard
        guard let run = await dashboard.examinations.start() else {
            throw WebError(.badRequest, "this store cannot be examined here")
        }
        Task {
            do {
                try await run.value
            } catch {
                dashboard.options.logger.warning("the examination has failed", metadata: ["error": "\(error)"])
            }
            await dashboard.live.refresh()
        }
        return "/doctor?done=examining"
    }
}

struct DoctorFacts: Encodable, Sendable {
    let findings: [Dashboard.Finding]
    /// When everything was read last; absent: not yet.
    let examinedAt: Date?
    let examinationMilliseconds: Int64?
    /// Absent: nothing reads everything now.
    let examinesSince: Date?

    init(_ report: Examinations.Report) {
        findings = (report.thorough?.findings ?? []) + (report.quick?.findings ?? [])
        examinedAt = report.thorough?.at
        examinationMilliseconds = report.thorough?.took.milliseconds
        examinesSince = report.runsSince
    }
}

private struct DoctorView {
    struct Row {
        let isGood: Bool
        let text: String
    }

    let base: String
    let rows: [Row]
    let problems: String
    let isGood: Bool
    let cannot: Bool
    let command: String
    /// Whether everything can be read, and who looks may order it.
    let canExamine: Bool
    /// Whether what is shown is all that could be found.
    let isWhole: Bool
    let at: TimeView?
    let took: String?
    let since: TimeView?

    init(_ report: Examinations.Report, _ request: WebRequest, now: Date) {
        base = request.dashboard.options.basePath
        let options = request.dashboard.options
        let findings = DoctorFacts(report).findings
        rows = findings.sorted { !$0.isGood && $1.isGood }.map { Row(isGood: $0.isGood, text: $0.text) }
        let bad = findings.count { !$0.isGood }
        problems = bad == 1 ? "1 problem" : "\(bad) problems"
        isGood = bad == 0
        cannot = options.examine == nil
        command = request.command("doctor")
        isWhole = report.thorough != nil || options.examineThoroughly == nil
        canExamine =
            options.examineThoroughly != nil && report.runsSince == nil && request.user.role >= .operate
        at = report.thorough.map { TimeView($0.at, now: now) }
        took = report.thorough.map { Words.duration($0.took) }
        since = report.runsSince.map { TimeView($0, now: now) }
    }
}
