import Foundation
import StintCore
import Testing

@Suite("The lines of an export")
struct ExportTests {
    private static let header = #"{"stint":{"format":1,"version":"0.1.0"}}"#
    private static let job = """
        {"job":{"attempts":0,"contentType":"text/plain","crashes":0,"enqueuedAt":1800000000000,"headers":{},"id":5,\
        "maxAttempts":10,"maxCrashes":3,"payload":"x","payloadBytes":1,"priority":1024,"queue":"q","state":"ready",\
        "suspect":false}}
        """
    private static let end = #"{"end":{"queues":[{"name":"q","ready":1}]}}"#

    /// Reads lines to the end.
    @discardableResult
    private static func read(_ lines: String...) throws -> ExportReader {
        var reader = ExportReader()
        for line in lines { _ = try reader.read(Array(line.utf8)) }
        try reader.finish()
        return reader
    }

    private static func stored(_ payload: [UInt8], events: [[UInt8]]? = nil) throws -> StoredJob {
        var record = JobRecord(
            id: JobID(rawValue: 7), queue: "e\u{301}", state: .buried, priority: .max, attempts: 2, maxAttempts: 3,
            crashes: 1, maxCrashes: 4, suspect: false, contentType: "text/plain",
            headers: try Headers(["a": "e\u{301} \"\\ \u{1F600}"]), payloadBytes: payload.count,
            timeToRunMilliseconds: 5, uniqueKey: "\u{E9}", enqueuedAt: 1_800_000_000_001, buriedAt: 1_800_000_000_999,
            expiresAt: 1_900_000_000_000)
        record.group = "g\n"
        record.reason = "no"
        record.events = events?.count
        let diagnostics = AttemptDiagnostics(exitCode: -1, signal: "SIGKILL", standardError: "\u{1}")
        let failure = JobFailure(
            attempt: 2, at: 1_800_000_000_777, kind: .crashed, error: "e", worker: "h:1", diagnostics: diagnostics)
        var job = StoredJob(JobDetails(record: record, payload: payload, events: events, failures: [failure]))
        job.burial = StoredJob.maximumNumber
        job.wasClaimed = true
        job.holdsGroup = true
        job.readyAt = -5
        if events != nil { (job.openedAt, job.startLimit) = (1, 2) }
        return job
    }

    @Test("a job is the same when it was written and read, to the last byte")
    func job() throws {
        let payloads: [[UInt8]] = [
            [], [0], [0xFF, 0], Array("e\u{301}\r\n\u{2028}\"\\/".utf8), Array(0...255), [0xED, 0xA0, 0x80],
        ]
        for payload in payloads {
            for events in [nil, [payload], [payload, [], [0xFE]], [[0x61], payload]] {
                let job = try Self.stored(events?.first ?? payload, events: events)
                let text = try StoredJSON.text(ExportLine.job(job))
                #expect(!text.contains("\n"))
                guard case .job(let read) = try JSONDecoder().decode(ExportLine.self, from: Data(text.utf8)) else {
                    Issue.record("\(text) is no job")
                    continue
                }
                #expect(read == job)
                #expect(read.payload == job.payload && read.events == events)
            }
        }
    }

    @Test("an export with a first line, its jobs and its counts is complete")
    func complete() throws {
        let reader = try Self.read(Self.header, Self.job, Self.end)
        #expect(reader.lines == 3 && reader.counts.jobs == 1 && reader.counts.queues == ["q"])
        #expect(try Self.read(Self.header, #"{"end":{"queues":[]}}"#).counts.jobs == 0)
    }

    @Test("what is no export, broken, cut off or from a newer Stint is refused with its line and what to do")
    func refusals() throws {
        let later = Self.job.replacingOccurrences(of: #""id":5"#, with: #""id":6"#)
        let cases: [([String], [String])] = [
            ([], ["the export is empty"]),
            ([""], ["line 1", "not the beginning of an export"]),
            (["hello"], ["line 1", "not the beginning of an export", "`stint export`"]),
            ([Self.job], ["line 1", "not the beginning of an export"]),
            (
                [#"{"stint":{"format":2,"version":"9.9"}}"#],
                ["line 1", "format 2, written by stint 9.9", "reads format 1", "import it with that version"]
            ),
            ([Self.header], ["ends after line 1 without its last line", "cut off"]),
            ([Self.header, Self.job], ["ends after line 2 without its last line", "export again"]),
            ([Self.header, Self.job, String(Self.job.dropLast(9))], ["line 3 cannot be read", "export again"]),
            ([Self.header, #"{"jobs":{}}"#], ["line 2 cannot be read", "one of the keys"]),
            ([Self.header, Self.header], ["line 2", "one export at a time"]),
            ([Self.header, Self.job, Self.job], ["line 3 has job 5 after job 5"]),
            ([Self.header, later, Self.job], ["line 3 has job 5 after job 6"]),
            (
                [Self.header, Self.job, later, Self.end],
                ["line 4 says that there are 1 ready jobs in queue 'q', and 2 were found"]
            ),
            ([Self.header, Self.end], ["line 2 says", "1 ready jobs in queue 'q', and 0 were found"]),
            ([Self.header, Self.job, Self.end, Self.job], ["line 4 comes after the last line"]),
            (
                [Self.header, Self.job.replacingOccurrences(of: #""attempts":0"#, with: #""attempts":-1"#)],
                ["line 2 is refused", "job 5", "attempts is -1"]
            ),
            (
                [Self.header, Self.job.replacingOccurrences(of: #""queue":"q""#, with: #""queue":"-q""#)],
                ["line 2 cannot be read", "starts with '-'"]
            ),
            (
                [Self.header, Self.job.replacingOccurrences(of: #""payload":"x""#, with: #""payloadBase64":"?""#)],
                ["line 2 cannot be read", "not Base64"]
            ),
            ([Self.header, #"{"group":{"queue":"q","name":"g","weight":0}}"#], ["line 2 is refused", "weight is 0"]),
            (
                [
                    Self.header,
                    #"{"webhook":{"name":"w","url":"x","events":["buried"],"template":"json","allowsPrivate":false}}"#,
                ],
                ["line 2 is refused"]
            ),
        ]
        for (lines, parts) in cases {
            var reader = ExportReader()
            let error = #expect(throws: StintError.self) {
                for line in lines { _ = try reader.read(Array(line.utf8)) }
                try reader.finish()
            }
            #expect(error?.code == .invalidInput)
            for part in parts {
                #expect(error?.description.contains(part) == true, "\(lines): \(String(describing: error))")
            }
        }
    }
}
