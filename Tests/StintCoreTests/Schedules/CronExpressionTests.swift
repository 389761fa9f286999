import StintCore
import TestSupport
import Testing

@Suite("A cron expression says when it ticks in plain words, and what is wrong with it in one sentence")
struct CronExpressionTests {
    @Test(
        "each is told in plain words",
        arguments: [
            ("30 2 * * *", "at 02:30 every day"),
            ("* * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            ("0 * * * *", "every hour"),
            ("@hourly", "every hour"),
            ("30 * * * *", "at minute 30 of every hour"),
            ("5,35 * * * *", "at minutes 5 and 35 of every hour"),
            ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
            ("0 */2 * * *", "every 2 hours"),
            ("15 */2 * * *", "at minute 15 of hours 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 and 22"),
            ("*/15 9-17 * * MON-FRI", "every 15 minutes in hours 9 to 17, on Monday to Friday"),
            ("* 2 * * *", "every minute in hour 2"),
            ("0 8,20 * * *", "at 08:00 and 20:00 every day"),
            ("0,30 8,9,10 * * *", "at 08:00, 08:30, 09:00, 09:30, 10:00 and 10:30 every day"),
            ("0 8-16 * * *", "at minute 0 of hours 8 to 16"),
            ("0 3 * * 0", "at 03:00 on Sunday"),
            ("0 3 * * 7", "at 03:00 on Sunday"),
            ("@weekly", "at 00:00 on Sunday"),
            ("0 3 1 * *", "at 03:00 on day 1 of the month"),
            ("0 3 1,15 * *", "at 03:00 on days 1 and 15 of the month"),
            ("0 3 25 12 *", "at 03:00 on day 25 of December"),
            ("@yearly", "at 00:00 on day 1 of January"),
            ("0 3 * 6-8 *", "at 03:00 every day in June to August"),
            ("0 0 13 * FRI", "at 00:00 on day 13 of the month and on each Friday"),
            (
                "0 0 */2 * MON",
                "at 00:00 on days 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29 and 31 of the month, if it is Monday"
            ),
            ("0 0 1-31 * MON", "at 00:00 every day"),
            ("15 30 2 * * *", "at 02:30:15 every day"),
            ("*/10 * * * * *", "every 10 seconds"),
            ("* * * * * *", "every second"),
            ("30 * * * * *", "at second 30 of every minute"),
            ("30 5 * * * *", "at second 30 of minute 5 of every hour"),
            ("0 * * * * *", "every minute"),
            ("*/10 5 * * * *", "every 10 seconds in minute 5"),
        ])
    func words(_ text: String, _ words: String) throws {
        #expect(try CronExpression(text).words == words)
    }

    @Test(
        "what is wrong is told in one sentence that names the field",
        arguments: [
            (
                "60 * * * *",
                "the minute '60' of the cron expression '60 * * * *' is not known: it must be 0 to 59, a range, a list, or * with or without a step"
            ),
            ("* 24 * * *", "the hour '24'"),
            ("* * 0 * *", "the day of month '0'"),
            (
                "* * * 13 *",
                "the month '13' of the cron expression '* * * 13 *' is not known: it must be 1 to 12 or JAN to DEC, a range"
            ),
            ("* * * * 8", "the day of week '8'"),
            ("* * * * MONDAY", "the day of week 'MONDAY'"),
            ("61 * * * * *", "the second '61'"),
            (
                "*/0 * * * *",
                "the minute '*/0' of the cron expression '*/0 * * * *' has the step '0': it must be 1 to 59"
            ),
            ("*/60 * * * *", "has the step '60': it must be 1 to 59"),
            ("*/ * * * *", "has the step ''"),
            ("*/5/5 * * * *", "has the step '5/5'"),
            (
                "30-10 * * * *",
                "the minute '30-10' of the cron expression '30-10 * * * *' is a range that runs backwards"
            ),
            ("5- * * * *", "the minute '5-'"),
            ("1,,2 * * * *", "the minute ''"),
            ("-5 * * * *", "the minute '-5'"),
            (
                "* * L * *",
                "the day of month 'L' of the cron expression '* * L * *' uses 'L', which Stint does not support"
            ),
            ("* * * * 5L", "the day of week '5L'"),
            ("* * 15W * *", "the day of month '15W' of the cron expression '* * 15W * *' uses 'W'"),
            ("* * * * MON#2", "the day of week 'MON#2' of the cron expression '* * * * MON#2' uses '#'"),
            (
                "* * ? * *",
                "the day of month '?' of the cron expression '* * ? * *' uses '?', which Stint does not support: write '*'"
            ),
            ("H * * * *", "the minute 'H' of the cron expression 'H * * * *' is a random value"),
            (
                "* * * *",
                "the cron expression '* * * *' has 4 fields: it must have five (minute, hour, day of month, month, day of week), or six"
            ),
            ("* * * * * * 2030", "has 7 fields"),
            ("", "the cron expression '' has 0 fields"),
            ("@reboot", "the cron expression '@reboot' is not known: it must be @hourly, @daily"),
            ("0 0 30 2 *", "the cron expression '0 0 30 2 *' never comes"),
            ("0 0 31 4,6,9,11 *", "never comes"),
            ("5\n * * * *", "the minute '5\\n'"),
        ])
    func errors(_ text: String, _ sentence: String) throws {
        let error = try #require(throws: StintError.self) { try CronExpression(text) }
        #expect(error.code == .invalidInput)
        #expect(error.description.contains(sentence), "\(error)")
        #expect(!error.description.contains("\n") && error.description.utf8.count < 1_000)
    }

    @Test("no text traps")
    func fuzz() {
        var generator = SeededGenerator(seed: chosenSeed())
        let alphabet = Array("0123456789*/,-LW#?~@ \t\n\0sunJAN🙂é".unicodeScalars)
        for _ in 0..<20_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0..<30, using: &generator) {
                text.append(alphabet.randomElement(using: &generator)!)
            }
            check(String(text))
            check(String(decoding: generator.bytes(20), as: UTF8.self))
        }
        check(String(repeating: "9", count: 999) + " * * * *")
        check(String(repeating: "1,", count: 100_000))
    }

    private func check(_ text: String) {
        do {
            _ = try CronExpression(text).words
        } catch {
            #expect((error as? StintError)?.code == .invalidInput && !"\(error)".contains("\n"))
        }
    }
}
