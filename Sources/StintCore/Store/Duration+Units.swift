extension Duration {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Reads `500ms`, `30s`, `5m`, `2h`, `1d` or `1h30m`.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
    package init(units text: String) throws {
        var (rest, units, total) = (Array(text.utf8)[...], Self.units[...], Int64(0))
        repeat {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            let letters = rest.dropFirst(digits.count).prefix { !(0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count + letters.count)
            guard let number = Int64(String(decoding: digits, as: UTF8.self)),
                let unit = units.firstIndex(where: { $0.name.utf8.elementsEqual(letters) })
            else {
                throw StintError.invalidInput(
                    "write a duration as a number and ms, s, m, h or d, such as 500ms or 5m, or as several from large to "
                        + "small, such as 1h30m")
            }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
            let (sum, overflows) = total.addingReportingOverflow(product)
            guard !isTooLarge, !overflows, .milliseconds(sum) <= NewJob.maximumDelay else {
                throw StintError.invalidInput("the duration is longer than 100 years")
            }
            (units, total) = (units[(unit + 1)...], sum)
        } while !rest.isEmpty
        self = .milliseconds(total)
    }
}
