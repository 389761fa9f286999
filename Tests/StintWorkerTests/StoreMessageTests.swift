import Foundation
import StintCore
import StintPlatform
import TestSupport
import Testing

@testable import StintWorker

@Suite("Messages of a supervised worker and its supervisor")
struct StoreMessageTests {
    private static let lease = Lease(job: JobID(rawValue: 7), token: FencingToken(rawValue: .max))

    /// One of each kind.
    private static let settlements: [Settlement] = {
        let diagnostics = AttemptDiagnostics(
            exitCode: -1, signal: "SIGSEGV", peakMemoryBytes: .max, runTimeMilliseconds: 12, standardError: "öäü\n\0x")
        let outcomes: [Settlement.Outcome] = [
            .ack, .release(after: .milliseconds(1)), .release(after: .seconds(Int64.max)),
            .release(after: .seconds(Int64.min)), .suspect, .fail(error: "", retryAfter: .zero),
            .crash(error: "é", retryAfter: .seconds(86_400)), .bury(reason: "a\nb"), .expire,
            .refuse(reason: "no handler", retryAfter: .nanoseconds(1), patience: .seconds(9)),
        ]
        return outcomes.map { Settlement(lease, $0) } + [
            Settlement(lease, .ack, diagnostics: diagnostics, maxAttempts: 3, priority: .max),
            Settlement(lease, .suspect, diagnostics: AttemptDiagnostics()),
        ]
    }()

    private static let requests: [StoreRequest] = [
        .exchange(settlements, nil),
        .exchange(
            [],
            ClaimRequest(
                queues: ["a", "ü"], limit: 1_000, lease: .milliseconds(100), worker: "host:1",
                registration: WorkerID(rawValue: 3), idleSlots: 0, budget: ByteBudget(bytes: 1),
                passesOverSuspects: true)),
        .exchange([], ClaimRequest(JobID(rawValue: 9), lease: .seconds(1), worker: "")),
        .extend([lease, lease], .seconds(30)),
        .register(
            WorkerRegistration(
                name: "w", process: WorkerProcess(name: "h:1", id: "a b"),
                supervisor: WorkerProcess(name: "h:2", id: "c"), supervisorSign: "s", queues: ["q"], concurrency: 8,
                writesThroughSupervisor: true),
            WorkerID(rawValue: 1), "worker-1-a"),
        .register(
            WorkerRegistration(name: "w", process: WorkerProcess(name: "", id: ""), queues: [], concurrency: 0), nil,
            nil),
        .deregister(WorkerID(rawValue: 5)), .listen(["q", "r"]), .stopListening(.max), .ping,
        .listenToRevocations, .nextReady(["q"], true), .leases(WorkerID(rawValue: 1)), .order(WorkerID(rawValue: 1)),
    ]

    private static let jobs: [LeasedJob] = [nil, [[], [1, 2], Array(repeating: 0, count: 300)]].map { events in
        LeasedJob(
            lease: lease, queue: "ü", payload: events == nil ? [0, 255] : [], contentType: "text/plain",
            headers: events == nil ? try! Headers(["a": "ö\t"]) : Headers(), priority: .max, attempt: 2,
            maxAttempts: .max, timeToRun: events.map { _ in .milliseconds(7) }, enqueuedAt: .min,
            runsAlone: events == nil, events: events, expiresAt: events.map { _ in 3 },
            expiresIn: events.map { _ in .milliseconds(-4) })
    }

    private static let replies: [StoreReply] =
        [
            .leased(Exchange()),
            .leased(
                Exchange(
                    answers: [.leaseLost, .settled(.done)], jobs: jobs, isCut: true, passedOver: JobID(rawValue: 1))),
            .revoked("a"), .held([]), .held([HeldJob(lease: lease, queue: "q", isPaused: true)]), .order(nil),
            .exchanged(ClaimedExchange()),
            .exchanged(
                ClaimedExchange(
                    answers: [.leaseLost] + JobState.allCases.map { .settled($0) },
                    jobs: ["q", "r", "q"].map {
                        ClaimedJob(
                            lease: lease, queue: $0, priority: .max, attempt: 3, runsAlone: $0 == "r", expiresAt: 12,
                            expiresIn: .milliseconds(3))
                    }, passedOver: JobID(rawValue: 1))),
            .extended([]), .extended([lease]), .registered(WorkerID(rawValue: 2)), .done, .next(.now), .next(.unknown),
            .next(.after(.milliseconds(12))), .failed(StintError(.databaseBusy, "busy")),
        ] + WorkerOrder.allCases.map { .order($0) }

    private func bytes(_ request: StoreRequest) -> [UInt8] { StoreFrame.encode(1) { request.encode(into: &$0) } }
    private func bytes(_ reply: StoreReply) -> [UInt8] { StoreFrame.encode(1) { reply.encode(into: &$0) } }

    private func decoded(_ frame: ArraySlice<UInt8>) throws -> StoreRequest {
        try frame.withUnsafeBytes { try StoreFrame.decode($0) { try StoreRequest(from: &$0) } }.message
    }

    private func reply(_ frame: ArraySlice<UInt8>) throws -> StoreReply {
        try frame.withUnsafeBytes { try StoreFrame.decode($0) { try StoreReply(from: &$0) } }.message
    }

    @Test("all that is written is read as it was")
    func roundTrips() throws {
        for request in Self.requests {
            #expect("\(try decoded(bytes(request)[StoreFrame.headerBytes...]))" == "\(request)")
        }
        for message in Self.replies {
            #expect("\(try reply(bytes(message)[StoreFrame.headerBytes...]))" == "\(message)")
        }
    }

    @Test("a message that is cut at any byte is no message")
    func cut() {
        for frame in Self.requests.map(bytes) {
            for end in StoreFrame.headerBytes..<frame.count {
                #expect(throws: (any Error).self) { try decoded(frame[StoreFrame.headerBytes..<end]) }
            }
        }
    }

    @Test("no bytes end the supervisor, or the worker")
    func hostile() {
        var random = SeededGenerator(seed: chosenSeed())
        let frames = Self.requests.map(bytes) + Self.replies.map(bytes)
        for _ in 0..<20_000 {
            var frame = Array(frames.randomElement(using: &random)!.dropFirst(StoreFrame.headerBytes))
            for _ in 0...Int.random(in: 0...3, using: &random) where !frame.isEmpty {
                let index = Int.random(in: frame.indices, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: frame[index] = .random(in: 0...255, using: &random)
                case 1: frame.removeSubrange(index...)
                case 2: frame.insert(.random(in: 0...255, using: &random), at: index)
                default: frame[index] = 255
                }
            }
            _ = try? decoded(frame[...])
            _ = try? reply(frame[...])
        }
    }

    @Test("lines and frames are told apart, however the bytes come")
    func splitting() throws {
        var random = SeededGenerator(seed: chosenSeed())
        for _ in 0..<300 {
            var (sent, bytes): ([String], [UInt8]) = ([], [])
            for _ in 0..<20 {
                if Bool.random(using: &random) {
                    let line = ["beat", "ready 7", "ending stopped", ""].randomElement(using: &random)!
                    sent.append(line)
                    bytes += Array(line.utf8) + [0x0A]
                } else {
                    let request = Self.requests.randomElement(using: &random)!
                    sent.append("\(request)")
                    bytes += self.bytes(request)
                }
            }
            var splitter = FrameSplitter(longestLine: 256, longestFrame: StoreRequest.maximumBytes)
            var (heard, rest): ([String], ArraySlice<UInt8>) = ([], bytes[...])
            while !rest.isEmpty {
                let count = Int.random(in: 1...[3, 50, 2_000].randomElement(using: &random)!, using: &random)
                try rest.prefix(count).withUnsafeBytes { chunk in
                    try splitter.append(chunk) { part in
                        switch part {
                        case .line(let line): heard.append(line)
                        case .frame(let frame): heard.append("\(try decoded(Array(frame)[...]))")
                        }
                    }
                }
                rest = rest.dropFirst(count)
            }
            #expect(heard == sent)
        }
    }

    @Test("a frame or a line without an end is refused before it is kept")
    func endless() {
        func append(_ bytes: [UInt8], to splitter: inout FrameSplitter) throws {
            try bytes.withUnsafeBytes { try splitter.append($0) { _ in } }
        }
        var splitter = FrameSplitter(longestLine: 256, longestFrame: 1_000)
        #expect(throws: MessageDecoder.Malformed.self) {
            try append([0, 0xE9, 3, 0, 0], to: &splitter)
        }
        splitter = FrameSplitter(longestLine: 256, longestFrame: 1_000)
        #expect(throws: MessageDecoder.Malformed.self) {
            for _ in 0..<100 { try append(Array(repeating: 0x61, count: 10), to: &splitter) }
        }
    }
}
