import Foundation
import Stint
import StintCore
import Testing

@testable import StintWorker

@Suite("Answers of a pipe handler may be large", .timeLimit(.minutes(2)))
struct PipeResponseSizeTests {
    private func lease(_ text: String, pieces: Int = 7) -> Lease? {
        var scanner = PipeResponseScanner(start: text.utf8.prefix(10))
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            scanner.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        return scanner.lease
    }

    @Test(
        "which job a line is for is found wherever it stands at the top of the object",
        arguments: [
            #"{"id":5,"token":7}"#, #"{ "verdict" : "done", "token" : 7 , "id" : 5 }"#,
            #"{"enqueue":[{"id":1,"token":2,"payload":"{\"id\":3,\"token\":4}"}],"id":5,"error":"\\","token":7}"#,
            #"{"x":{"id":1},"id":5,"y":[[{"token":1}]],"token":7,"id":6,"token":8}"#,
            #"{"a long name that is none of ours, of which no more is kept than needed":"id","id":5,"token":7}"#,
        ])
    func found(line: String) {
        for pieces in [1, 7, 1_000] {
            #expect(lease(line, pieces: pieces) == Lease(job: JobID(rawValue: 5), token: FencingToken(rawValue: 7)))
        }
    }

    @Test(
        "a line that does not say so with two integers is for no job",
        arguments: [
            #"{"id":5}"#, #"{"token":7}"#, #"{"id":"5","token":7}"#, #"{"id":5.5,"token":7}"#, #"[{"id":5,"token":7}]"#,
            #"{"id":5,"token":7"#, #"{"x":{"id":5,"token":7}}"#, #"xxx"#, "", #"{"id":99999999999999999999,"token":7}"#,
        ])
    func notFound(line: String) {
        #expect(lease(line) == nil)
    }

    @Test("one follow-up job of the largest size is taken however its answer is written")
    func largest() async throws {
        // Base64 with an escape for each character is the longest way; and a name of each header as short as can be.
        let largest = (NewJob.maximumPayloadBytes + 2) / 3 * 4 * 6 + (Headers.maximumBytes + 1_024 + 255 + 200) * 6
        #expect(PipeProcess.longestAnswer >= largest + 200_000)
        try await withPipe { place in
            _ = try await place.put("x")
            try await place.drain(
                """
                j = job()
                sys.stdout.write('{"id":%d,"token":%d,"verdict":"done","enqueue":[{"queue":"large","payload":"' % (j['id'], j['token']))
                for _ in range(16): sys.stdout.write('\\\\u0041' * 1048576)
                print('"}]}', flush=True)
                job()
                """)
            #expect(try await place.queue.counts().done == 1)
            let follower = try #require(try await place.queue.store.list(JobFilter(queue: "large", limit: 1)).first)
            #expect(follower.payloadBytes == NewJob.maximumPayloadBytes)
        }
    }

    @Test("an answer that is too long fails its own job alone, with the reason; its neighbour and its process go on")
    func tooLong() async throws {
        try await withPipe { place in
            let ids = [
                try await place.put("large", JobOptions(maxAttempts: 1)),
                try await place.put("small", JobOptions(maxAttempts: 1)),
            ]
            let handler = try await place.handler(
                """
                note('start')
                js = sorted([job(), job()], key=lambda j: j['payload'])
                answer(js[0], enqueue=[{'payload': 'x' * 30000}])
                answer(js[1])
                job()
                """, longestAnswer: 10_000)
            try await place.drain(handler) { $0.concurrency = 2 }
            let failure = try #require(try await place.failures(ids[0]).first)
            #expect(failure.kind == .failed)
            #expect(failure.error.contains("at most 10000") && failure.error.contains("fewer jobs"), "\(failure)")
            #expect(try await place.queue.counts().done == 1)
            #expect(try place.notes == ["start"])
        }
    }

    @Test("a long line that is no object, or has no end, fails the job, and no more of it is read")
    func endless() async throws {
        for (start, length) in [("", 10_000), ("{\"id\":", 40_000)] {
            try await withPipe { place in
                let id = try await place.put("x", JobOptions(maxAttempts: 1))
                let handler = try await place.handler(
                    """
                    j = job()
                    os.write(1, b'\(start)')
                    while True: os.write(1, b'x' * 65536)
                    """, longestAnswer: 10_000)
                try await place.drain(handler)
                let error = try #require(try await place.failures(id).first?.error)
                let size = try #require(error.firstMatch(of: #/line that is longer than (\d+) bytes: '/#)?.output.1)
                #expect((length...length + 20_000).contains(Int(size) ?? 0), "\(error)")
                #expect(error.contains("\(start)xxx"))
            }
        }
    }
}
