import StintCore

extension DigestFormat {
    /// - Throws: ``StintError`` with the code `invalidInput` that says what can be given.
    init(argument text: String) throws {
        guard let format = DigestFormat(rawValue: text) else {
            throw StintError.invalidInput("it must be lines or length-prefixed")
        }
        self = format
    }
}
