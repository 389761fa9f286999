/// A figure that Stint is expected to reach on two cores, and the figure that it reached in this run.
struct Expectation: Codable, Sendable {
    enum Bound: String, Codable {
        case atLeast = "at least"
        case atMost = "at most"
        case below
    }

    let what: String
    let bound: Bound
    let expected: Double
    let reached: Double
    /// `x` for a ratio.
    let unit: String
    let isMet: Bool

    init(_ what: String, _ bound: Bound, _ expected: Double, reached: Double, unit: String = "x") {
        self.what = what
        self.bound = bound
        self.expected = expected
        self.reached = reached
        self.unit = unit
        isMet =
            switch bound {
            case .atLeast: reached >= expected
            case .atMost: reached <= expected
            case .below: reached < expected
            }
    }

    fileprivate var verdict: String {
        "\(digits(reached)) \(unit), \(bound.rawValue) \(digits(expected)) \(unit): \(isMet ? "met" : "NOT MET")"
    }

    private func digits(_ value: Double) -> String {
        value == 0 ? "0" : abs(value) < 0.1 ? value.text(3) : abs(value) < 100 ? value.text(2) : value.text()
    }
}

extension [Expectation] {
    var text: String {
        let width = (map(\.what.count).max() ?? 0) + 3
        return map { "\($0.what):".padded(to: width) + $0.verdict }.joined(separator: "\n")
    }
}
