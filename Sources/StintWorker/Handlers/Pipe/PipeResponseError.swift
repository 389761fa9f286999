import StintCore

/// What is wrong with a pipe handler's answer.
package struct PipeResponseError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }

    init(_ error: any Error) {
        description = decodingProblem(error)
    }
}
