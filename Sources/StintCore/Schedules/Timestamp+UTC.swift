/// A time as text, such as `2027-01-15T08:00:00Z`; with milliseconds if there are any.
package func utcText(_ time: Timestamp) -> String {
    let date = CivilDate(day: time.dividedDown(by: 86_400_000))
    let rest = time.remainder(by: 86_400_000)
    func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60].map { digits($0, 2) }.joined(separator: ":")
    let fraction = rest % 1_000 == 0 ? "" : ".\(digits(rest % 1_000, 3))"
    return "\(digits(date.year, 4))-\(digits(Int64(date.month), 2))-\(digits(Int64(date.day), 2))T\(clock)\(fraction)Z"
}
