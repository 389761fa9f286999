import StintCore

extension Route {
    static func doctorPage(_ request: WebRequest) async throws -> Page {
        struct View {
            struct Row {
                let isGood: Bool
                let text: String
            }
            let rows: [Row]
            let problems: String
            let isGood: Bool
            let cannot: Bool
            let command: String
        }
        let findings = try await request.dashboard.options.examine?()
        let bad = findings?.count { !$0.isGood } ?? 0
        return Page(
            title: "Doctor", section: "doctor", template: "doctor",
            view: View(
                rows: (findings ?? []).sorted { !$0.isGood && $1.isGood }.map {
                    .init(isGood: $0.isGood, text: $0.text)
                },
                problems: bad == 1 ? "1 problem" : "\(bad) problems", isGood: bad == 0, cannot: findings == nil,
                command: request.command("doctor")),
            facts: ["findings": findings ?? []])
    }
}
