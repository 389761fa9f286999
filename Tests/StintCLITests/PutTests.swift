import Testing

@Suite("stint put", .inOwnFolder, .timeLimit(.minutes(15)))
struct PutTests {
    let place = Workplace.ofThisTest

    @Test("the payload is an argument, standard input or a file, and the id is printed")
    func sources() async throws {
        try place.write("payload.bin", [0, 1, 2, 255])
        #expect(try await place.stint("put", "an argument") == "1\n")
        #expect(try await place.stint("put", "-", input: Array("standard input\n".utf8)) == "2\n")
        #expect(try await place.stint("put", "--file", "payload.bin") == "3\n")
        #expect(try await place.stint("put", "") == "4\n")
        #expect(try await place.stint("put", "--", "--looks-like-an-option") == "5\n")
        let jobs = [try await place.job(1), try await place.job(2), try await place.job(4), try await place.job(5)]
        #expect(jobs.map(\.payload) == ["an argument", "standard input\n", "", "--looks-like-an-option"])
        #expect(jobs.allSatisfy { $0.contentType == "text/plain; charset=utf-8" && $0.payloadBase64 == nil })
        let binary = try await place.job(3)
        #expect(binary.payload == nil)
        #expect(binary.payloadBase64 == "AAEC/w==")
        #expect(binary.contentType == "application/octet-stream")
    }

    @Test("every option reaches the job")
    func options() async throws {
        try await place.stint(
            "put", "--queue", "mail", "--priority", "7", "--delay", "5m", "--max-attempts", "4", "--max-crashes", "2",
            "--unique", "issue 7, member 42", "--header", "Reply-To=Zoë <zoe@example.org>", "--header", "trace=a=b",
            "payload")
        let job = try await place.job(1)
        #expect(job.queue == "mail")
        #expect(job.priority == 7)
        #expect(job.state == "delayed")
        #expect(job.runAt == job.enqueuedAt + 300_000)
        #expect((job.attempts, job.crashes) == (0, 0))
        #expect((job.maxAttempts, job.maxCrashes) == (4, 2))
        #expect(job.uniqueKey == "issue 7, member 42")
        #expect(job.headers == ["reply-to": "Zoë <zoe@example.org>", "trace": "a=b"])
        #expect(!job.suspect)
    }

    @Test("what is not said has its default")
    func defaults() async throws {
        try await place.stint("put", "payload")
        let job = try await place.job(1)
        #expect(job.queue == "default")
        #expect(job.state == "ready")
        #expect(job.priority == 1_024)
        #expect((job.maxAttempts, job.maxCrashes) == (10, 3))
        #expect(job.headers.isEmpty)
        #expect(job.uniqueKey == nil)
        #expect(job.failures?.isEmpty == true)
    }

    @Test(
        "durations",
        arguments: [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)])
    func durations(text: String, milliseconds: Int) async throws {
        try await place.stint("put", "payload", "--delay", text)
        let job = try await place.job(1)
        #expect(job.runAt == job.enqueuedAt + milliseconds)
    }

    @Test("a unique key is taken until its job is done, in its queue")
    func unique() async throws {
        #expect(try await place.stint("put", "first", "--unique", "k") == "1\n")
        let second = try await place.attempt("put", "second", "--unique", "k")
        #expect(second.code == 0)
        #expect(second.output == "1\n")
        #expect(second.errors == "stint: nothing was added: job 1 has the key 'k' and is not done yet\n")
        #expect(try await place.stint("put", "elsewhere", "--unique", "k", "--queue", "other") == "2\n")
        #expect(try await place.job(1).payload == "first")
        #expect(try await place.counts() == QueueDocument(name: "default", ready: 1))

        try await place.stint("work", "--drain", "--", "true")
        #expect(try await place.stint("put", "third", "--unique", "k") == "3\n")
    }

    @Test("a payload of 16 MiB fits, from standard input and from a file; one byte more does not, and makes no file")
    func largest() async throws {
        let largest = [UInt8](repeating: 0x61, count: 16 * 1_024 * 1_024)
        try place.write("too-large", largest + [0x61])
        let before = try place.snapshot()
        let fromInput = try await place.refusal("put", "-", input: largest + [0x61])
        let fromFile = try await place.refusal("put", "--file", "too-large")
        for refusal in [fromInput, fromFile] {
            #expect(refusal.code == 65)
            #expect(refusal.sentence.contains("16777216 bytes (16 MiB)"))
        }
        #expect(try place.snapshot() == before)

        try place.write("largest", largest)
        try await place.stint("put", "-", input: largest)
        try await place.stint("put", "--file", "largest")
        for id in ["1", "2"] {
            let shown = try await place.attempt("show", id, "--payload")
            #expect(shown.code == 0)
            #expect(shown.bytes == largest)
        }
    }

    @Test("a payload file that cannot be read is bad data")
    func unreadable() async throws {
        for file in ["missing", "."] {
            let refusal = try await place.refusal("put", "--file", file)
            #expect(refusal.code == 65)
            #expect(refusal.sentence.contains("the file '\(file)' cannot be read"))
        }
        #expect(try place.snapshot().isEmpty)
    }
}
