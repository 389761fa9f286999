import Foundation
import StintCore
import StintPlatform
import TestSupport
import Testing

@testable import StintWorker

@Suite("What handlers write is passed on line by line", .timeLimit(.minutes(2)))
struct OutputTests {
    /// Writes into a pipe through `body`, and returns the single writes that came out of it.
    private func passedOn(pipeBytes: Int32? = nil, _ body: (OutputDestination) async throws -> Void) async throws
        -> String
    {
        let pipe = try StintWorker.Pipe()
        #if os(Linux)
            // F_SETPIPE_SZ, which Swift does not import.
            if let pipeBytes { #expect(fcntl(pipe.writeEnd, 1_031, pipeBytes) >= 0) }
        #endif
        let log = Log<String>()
        let reader = PipeReader(
            pipe.readEnd, name: "test", onBytes: { log.append(String(decoding: $0, as: UTF8.self)) })
        let destination = OutputDestination(pipe.writeEnd)
        try await body(destination)
        try await eventually("all is written") { destination.isEmpty }
        closeAll([pipe.writeEnd])
        await reader.finish()
        return log.all.joined()
    }

    private func append(_ text: String, to lines: OutputLines) {
        Array(text.utf8).withUnsafeBytes { lines.append($0) }
    }

    @Test("each line has the prefix, however it was cut on its way, and a last one without line break gets one")
    func prefix() async throws {
        let output = try await passedOn { destination in
            let lines = OutputLines(to: destination) { "job 42: " }
            for part in ["on", "e\ntwo\n\nth", "ree"] { append(part, to: lines) }
            lines.finish()
        }
        #expect(output == "job 42: one\njob 42: two\njob 42: \njob 42: three\n")
    }

    @Test("a long line goes out in pieces of 8 KiB, each with the prefix, and no character is cut in two")
    func longLine() async throws {
        let line = String(repeating: "☃", count: 8_000)
        let output = try await passedOn { destination in
            let lines = OutputLines(to: destination) { "job 1: " }
            append(line + "\n", to: lines)
            append(String(repeating: "x", count: OutputLines.longestLine) + "\n", to: lines)
        }
        let pieces = output.split(separator: "\n").map { $0.dropFirst("job 1: ".count) }
        #expect(pieces.count == 4 && pieces.allSatisfy { $0.utf8.count <= OutputLines.longestLine })
        #expect(pieces.dropLast().joined() == line)
    }

    @Test("lines of several at once never mix, also where each is larger than the pipe")
    func interleaved() async throws {
        let output = try await passedOn(pipeBytes: 4_096) { destination in
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    DispatchQueue.concurrentPerform(iterations: 4) { number in
                        let lines = OutputLines(to: destination) { "\(number): " }
                        let text = Array((String(repeating: "\(number)", count: 7_000) + "\n").utf8)
                        for _ in 0..<50 { text.withUnsafeBytes { lines.append($0) } }
                    }
                    continuation.resume()
                }
            }
        }
        let lines = output.split(separator: "\n")
        #expect(lines.count == 200)
        #expect(lines.allSatisfy { line in line.dropFirst(3).allSatisfy { $0 == line.first } && line.count == 7_003 })
    }

    @Test("of a hundred megabytes without a line break no more than a line is ever held")
    func endless() {
        var splitter = LineSplitter(limit: OutputLines.longestLine)
        let tail = OutputTail()
        let chunk = [UInt8](repeating: 0x78, count: PipeReader.chunk)
        var (passedOn, most) = (0, 0)
        while tail.position < 100_000_000 {
            chunk.withUnsafeBytes { bytes in
                tail.append(bytes)
                splitter.append(bytes) { piece, isWhole in
                    passedOn += piece.count
                    most = max(most, piece.count)
                    #expect(!isWhole)
                }
            }
            if splitter.heldBytes > OutputLines.longestLine { break }
        }
        #expect(most == OutputLines.longestLine && splitter.heldBytes <= OutputLines.longestLine)
        #expect(passedOn + splitter.heldBytes == tail.position && tail.position >= 100_000_000)
        #expect(tail.text()?.utf8.count == AttemptDiagnostics.maximumStandardErrorBytes)
    }

    /// Limits of a few lines.
    private var smallLimits: OutputDestination.Limits {
        var limits = OutputDestination.Limits()
        limits.bytes = 10_000
        return limits
    }

    @Test("while the reader of this process's output is slow, nothing more is read and nothing is lost")
    func backpressure() async throws {
        let (source, target) = (try StintWorker.Pipe(), try StintWorker.Pipe())
        var limits = smallLimits
        // A machine so busy that nothing is read for a second must not count as a reader that does not read.
        limits.patience = .seconds(600)
        let destination = OutputDestination(target.writeEnd, limits: limits)
        let lines = OutputLines(to: destination) { "" }
        let tail = OutputTail()
        let reader = PipeReader(source.readEnd, name: "test", lines: lines, tail: tail)
        let writer = PipeWriter(source.writeEnd, name: "test")
        let text = Array(String(repeating: String(repeating: "y", count: 99) + "\n", count: 20_000).utf8)
        async let isWritten = writer.write(text)
        try await eventually("it waits") { tail.position >= 65_536 && destination.waitingLines > 70 }
        #expect(tail.position < text.count)
        let read = Log<Int>()
        let last = PipeReader(target.readEnd, name: "test", onBytes: { read.append($0.count) })
        #expect(await isWritten)
        await writer.close()
        await reader.finish()
        try await eventually("all is written") { destination.isEmpty }
        closeAll([target.writeEnd])
        await last.finish()
        #expect(read.all.reduce(0, +) == text.count && !destination.hasDropped)
    }

    @Test("a reader that does not read at all holds up neither lines nor log messages, and hears how many there were")
    func unread() async throws {
        let pipe = try StintWorker.Pipe()
        let destination = OutputDestination(pipe.writeEnd, name: "the pipe", limits: smallLimits)
        let lines = OutputLines(to: destination) { "" }
        let line = String(repeating: "z", count: 99) + "\n"
        // Waits once until it is clear that there is no reader, and then no more.
        for _ in 0..<5_000 { append(line, to: lines) }
        let message = Array("a message\n".utf8)
        for _ in 0..<5_000 { destination.log(message) }
        #expect(destination.isStalled && destination.waitingBytes <= 10_000 + Int(PIPE_BUF))
        let text = Log<String>()
        let reader = PipeReader(
            pipe.readEnd, name: "test", onBytes: { text.append(String(decoding: $0, as: UTF8.self)) })
        try await eventually("it is read") { destination.isEmpty }
        closeAll([pipe.writeEnd])
        await reader.finish()
        let all = text.all.joined().split(separator: "\n")
        let words = try #require(
            all.compactMap {
                try? #/stint: (\d+) lines were dropped here, since the pipe did not take them/#.wholeMatch(in: $0)
            }.first)
        #expect(all.count - 1 + (Int(words.1) ?? 0) == 10_000)
        #expect(all.contains("a message"), "there is room that handlers' lines do not get")
    }

    @Test("who is in a hurry waits for nobody")
    func hurry() async throws {
        let pipe = try StintWorker.Pipe()
        let destination = OutputDestination(pipe.writeEnd, limits: smallLimits)
        let lines = OutputLines(to: destination) { "" }
        lines.hurry()
        let start = ContinuousClock.now
        for _ in 0..<5_000 { append("x", to: lines) }
        append(String(repeating: "xxxxxxxxx\n", count: 20_000), to: lines)
        #expect(destination.hasDropped)
        #expect(ContinuousClock.now - start < .seconds(30))
        closeAll([pipe.readEnd])
        SignalDisposition.ignoreBrokenPipes()
    }

    @Test("where the reader of this process's output is gone, output is dropped")
    func nobodyListens() async throws {
        SignalDisposition.ignoreBrokenPipes()
        let pipe = try StintWorker.Pipe()
        closeAll([pipe.readEnd])
        let destination = OutputDestination(pipe.writeEnd)
        let lines = OutputLines(to: destination) { "" }
        append("one\ntwo\n", to: lines)
        try await eventually("all is tried") { destination.isEmpty }
        #expect(destination.hasDropped)
        closeAll([pipe.writeEnd])
    }

    @Test("a writer learns that its reader is gone, also while it waits")
    func readerGone() async throws {
        SignalDisposition.ignoreBrokenPipes()
        let pipe = try StintWorker.Pipe()
        let writer = PipeWriter(pipe.writeEnd, name: "test")
        async let isWritten = writer.write([UInt8](repeating: 1, count: 1_000_000))
        closeAll([pipe.readEnd])
        #expect(await !isWritten)
        await writer.close()
        #expect(await !writer.write([1]))
    }

    @Test("the tail is the last 4 KiB, in whole characters, without the line breaks at its end")
    func tail() {
        let tail = OutputTail()
        for part in [String(repeating: "☃", count: 3_000), "end\r\n\n"] {
            Array(part.utf8).withUnsafeBytes { tail.append($0) }
        }
        let text = tail.text() ?? ""
        #expect(text.hasSuffix("☃end") && text.utf8.count > 4_000 && text.utf8.count <= 4_096)
        #expect(!text.contains("\u{FFFD}"))
        #expect(tail.text(since: 9_000) == "end" && tail.text(since: tail.position) == nil)
    }

    @Test(
        "the excerpt is the first telling line, else the last one that is not empty",
        arguments: [
            ("", ""), ("\n \n", ""), ("a\nb\n\n", "b"),
            ("start\nPHP Fatal error: x\nmore\nerror 2\nend", "PHP Fatal error: x"),
            ("thread 'main' PANICked\nnote", "thread 'main' PANICked"),
            (String(repeating: "x", count: 400), String(repeating: "x", count: 299) + "…"),
        ])
    func excerpt(text: String, expected: String) {
        #expect(text.excerpt == expected)
    }
}
