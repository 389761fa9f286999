import Foundation

extension [Double] {
    /// The middle value, the lower one of two; 0 if there is none.
    var median: Double { isEmpty ? 0 : sorted()[(count - 1) / 2] }
}

extension Double {
    /// The number with this many digits behind the point; without any, thousands are grouped.
    func text(_ digits: Int = 0) -> String {
        let text = String(format: "%.\(digits)f", self)
        guard digits == 0, abs(self) >= 1_000 else { return text }
        var grouped = ""
        for (index, digit) in text.enumerated() {
            if index > 0, (text.count - index) % 3 == 0, digit != "-" { grouped.append(",") }
            grouped.append(digit)
        }
        return grouped
    }
}

extension String {
    func padded(to width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: Swift.max(0, width - count))
        return right ? space + self : self + space
    }
}

/// `1 worker`, `4 workers`.
func count(_ number: Int, _ noun: String) -> String {
    "\(Double(number).text()) \(noun)\(number == 1 ? "" : "s")"
}
