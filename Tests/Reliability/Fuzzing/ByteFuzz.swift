import StintCore
import StintSQLite
import StintWorker
import TestSupport

/// Bytes from outside for the parsers that read them in this process: libFuzzer drives this, and seeded random input
/// too.
package enum ByteFuzz {
    /// The output of a pipe handler: cut into lines, read as answers, and turned into the jobs that they ask for.
    ///
    /// The first byte sets how long a line may be, the second how large the pieces are in which the bytes come.
    ///
    /// - Returns: What is wrong; nothing if all is well.
    package static func pipe(_ bytes: [UInt8]) -> [String] {
        guard bytes.count > 2 else { return [] }
        let (limit, piece) = (Int(bytes[0]) * 4 + 1, Int(bytes[1]) + 1)
        let stream = Array(bytes.dropFirst(2))
        var problems = answers(in: stream)
        var splitter = LineSplitter(limit: limit)
        var together: [UInt8] = []
        func add(_ line: ArraySlice<UInt8>, ends: Bool) {
            if line.count > limit { problems.append("a piece of \(line.count) bytes where \(limit) are allowed") }
            if !ends && line.isEmpty { problems.append("an empty piece") }
            together += line
            if ends { together.append(0x0A) }
        }
        var rest = stream[...]
        while !rest.isEmpty {
            rest.prefix(piece).withUnsafeBytes { splitter.append($0) { add($0, ends: $1) } }
            rest = rest.dropFirst(piece)
        }
        splitter.finish { add($0, ends: false) }
        if together != stream { problems.append("\(stream.count) bytes came out as \(together.count) others") }
        return problems
    }

    private static func answers(in stream: [UInt8]) -> [String] {
        var problems: [String] = []
        for line in stream.split(separator: 0x0A) {
            do {
                switch try PipeResponse(line).verdict {
                case .success(.done(let followUps)):
                    for followUp in followUps { problems += check(try followUp.job(in: "q")) }
                case .success(.retry(let delay, _)):
                    if let delay, !(Duration.zero...NewJob.maximumDelay).contains(delay) {
                        problems.append("a delay of \(delay)")
                    }
                case .success(.bury): break
                case .failure(let error):
                    if error.description.isEmpty { problems.append("an answer is wrong, and the error has no reason") }
                }
            } catch {
                if "\(error)".isEmpty { problems.append("a line is refused without a word") }
            }
        }
        return problems
    }

    /// Checks that a job that was accepted keeps the limits.
    private static func check(_ job: NewJob) -> [String] {
        var problems = name(Array(job.queue.description.utf8))
        if let text = job.options.headers.storedText { problems += headers(Array(text.utf8)) }
        if job.options.maxAttempts < 1 || job.options.maxCrashes < 1 { problems.append("a job without attempts") }
        return problems
    }

    /// Stored headers, as another program may have written them, and header and queue names.
    package static func headers(_ bytes: [UInt8]) -> [String] {
        let text = String(decoding: bytes, as: UTF8.self)
        var problems = name(bytes)
        let readable = Headers(readable: text)
        do {
            let headers = try Headers(storedText: text)
            if try Headers(storedText: headers.storedText) != headers {
                problems.append("headers change when they are stored")
            }
            if headers != readable { problems.append("readable headers are shown otherwise") }
            for (name, value) in headers {
                if name.isEmpty || value.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\0" }) {
                    problems.append("the header \(quoted(name)) has a value that breaks a line")
                }
            }
        } catch {
            problems += message("\(error)")
        }
        return problems
    }

    private static func name(_ bytes: [UInt8]) -> [String] {
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            let name = try QueueName(text).description
            let isFit =
                Array(name.utf8) == Array(text.utf8) && (1...QueueName.maximumBytes).contains(name.utf8.count)
                && name.utf8.first != 0x2D && !name.utf8.contains { $0 <= 0x20 || $0 == 0x7F }
            return isFit ? [] : ["the queue name \(quoted(name)) was let in"]
        } catch {
            return message("\(error)")
        }
    }

    /// Messages are one line and safe for a terminal, whatever they quote.
    private static func message(_ text: String) -> [String] {
        text.unicodeScalars.contains(where: \.isControl)
            ? ["a message has a control character: \(text.debugDescription)"] : []
    }

    // MARK: - From a seed

    /// A stream of lines that look like answers, with damage.
    package static func pipe(seed: UInt64) -> [String] {
        var chance = SeededGenerator(seed: seed)
        let lines = (0...chance.below(4)).map { _ in chance.pick(sampleAnswers) + "\n" }.joined()
        return pipe(chance.bytes(2) + damaged(Array(lines.utf8), &chance))
    }

    package static func headers(seed: UInt64) -> [String] {
        var chance = SeededGenerator(seed: seed)
        return headers(damaged(Array(chance.pick(sampleHeaders).utf8), &chance))
    }

    package static let sampleAnswers = [
        #"{"id":1,"token":2,"verdict":"done"}"#, #"{"id":1,"token":2,"verdict":"retry","delay":1.5,"error":"x"}"#,
        #"{"id":1,"token":2,"verdict":"bury","error":"no \ud83d\ude00"}"#,
        #"{"id":1,"token":2,"verdict":"done","enqueue":[{"payload":"x","queue":"mail","delay":1,"priority":5}]}"#,
        #"{"id":1,"token":2,"verdict":"done","enqueue":[{"payloadBase64":"AP8=","headers":{"a":"b"},"uniqueKey":"k","maxAttempts":3,"maxCrashes":2,"contentType":"text/x"}]}"#,
        #"{"id":9223372036854775807,"token":-1,"verdict":"retry","delay":1e300}"#, #"{"id":1e3,"token":1.0}"#, "null",
        "[]",
        "Hello", String(repeating: "[", count: 2_000), #"{"id":1,"id":2,"token":3,"token":4,"verdict":"done"}"#,
    ]
    package static let sampleHeaders = [
        "a: b", "a: b\njob-name: x.y", "traceparent: 00-ab-cd-01", "a:b\n\nc: ", "", "mail", "A: B\na: c",
    ]

    static func damaged(_ bytes: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<chance.below(4) {
            let place = chance.below(bytes.count + 1)
            switch chance.below(5) {
            case 0: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: chance.next()) }
            case 1: bytes.insert(contentsOf: Hostile.text(&chance).prefix(300), at: place)
            case 2: bytes.insert(contentsOf: Array("\(Hostile.number(&chance))".utf8), at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + chance.below(8)))
            default: bytes.insert(contentsOf: bytes.prefix(place), at: place)
            }
        }
        return bytes
    }
}
