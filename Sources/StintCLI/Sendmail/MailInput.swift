import StintCore
import StintPlatform

/// A mail on standard input.
enum MailInput {
    /// - Parameter untilDot: Whether a line that is only a dot ends the mail, as in SMTP; of other lines no dot is removed.
    static func read(untilDot: Bool) throws -> [UInt8] {
        var input = Input.standardInput()
        guard untilDot else { return try input.readAll() }
        var mail: [UInt8] = []
        var number = 1
        while let line = try input.readLine(number: number) {
            if line == [UInt8(ascii: ".")] || line == [UInt8(ascii: "."), 0x0D] { break }
            guard mail.count + line.count < NewJob.maximumPayloadBytes else {
                throw StintError.invalidInput(
                    "the mail has more than \(NewJob.maximumPayloadBytes) bytes (16 MiB), the most that a payload can have"
                )
            }
            mail += line
            mail.append(0x0A)
            number += 1
        }
        return mail
    }
}
