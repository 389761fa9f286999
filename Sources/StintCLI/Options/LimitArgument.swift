import StintCore

/// `10` or `unlimited`.
///
/// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
func numberLimit(_ text: String) throws -> Limit<Int> {
    if text == "unlimited" { return .unlimited }
    guard let number = plainNumber(text[...]) else {
        throw StintError.invalidInput("write a number of jobs, such as 10, or unlimited")
    }
    return .to(number)
}

/// `50/1s` or `unlimited`.
///
/// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
func rateLimit(_ text: String) throws -> Limit<Rate> {
    if text == "unlimited" { return .unlimited }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let starts = plainNumber(parts[0]),
        let window = try? DurationArgument(String(parts[1])).duration
    else {
        throw StintError.invalidInput(
            "write a number of starts and the time in which they are allowed, such as 50/1s or 1000/1h, or unlimited")
    }
    return .to(Rate(starts, per: window))
}

/// ASCII digits only.
private func plainNumber(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
}
