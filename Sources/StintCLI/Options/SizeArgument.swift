import ArgumentParser
import Foundation
import StintCore

/// A size such as `64K`, `256M` or `1G`, in powers of 1024.
struct SizeArgument {
    let bytes: Int64

    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
    init(_ text: String) throws {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        guard let number = Int64(digits), number > 0, let unit = units[text.dropFirst(digits.count)],
            case (let bytes, false) = number.multipliedReportingOverflow(by: unit)
        else { throw StintError.invalidInput("write a size as a number and K, M or G, such as 256M") }
        self.bytes = bytes
    }
}
