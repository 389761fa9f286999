import ArgumentParser
import Foundation
import StintCore

/// A duration such as `500ms`, `30s`, `5m`, `2h`, `1d` or `1h30m`, and its original text.
struct DurationArgument: CustomStringConvertible {
    let duration: Duration
    let description: String

    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
    init(_ text: String) throws {
        duration = try Duration(units: text)
        description = text
    }

    static func seconds(_ count: Int) -> DurationArgument {
        DurationArgument(duration: .seconds(count), description: "\(count)s")
    }

    private init(duration: Duration, description: String) {
        self.duration = duration
        self.description = description
    }
}
