import Foundation
import Stint
import StintCore
import TestSupport
import Testing

@testable import StintWorker

@Suite("A pipe handler is told that a job was cancelled", .timeLimit(.minutes(2)))
struct PipeCancelTests {
    /// Works on each job until it is told to stop; says what it reads.
    private static let obedient = """
        print(json.dumps({'accepts': os.environ['STINT_PIPE_ACCEPTS'].split(',')}), flush=True)
        open_jobs = {}
        note(f'pid {os.getpid()}')
        while (j := job()) is not None:
            if j.get('cancel'):
                note(f"cancel {j['id']} {sorted(j)}")
                answer(open_jobs.pop(j['id']), 'done')
            elif j['payload'] == 'wait':
                note(f"wait {j['id']}")
                open_jobs[j['id']] = j
            else:
                note(j['payload'])
                answer(j)

        """

    private func withPlace(_ body: (PipePlace) async throws -> Void) async throws {
        try await withQueue { queue in
            try await queue.retain(.seconds(3_600), in: "q")
            try await body(PipePlace(queue: queue, log: queue.store.path + ".log"))
        }
    }

    /// A worker with a long lease: its heartbeat tells nothing in time.
    private func worker(_ place: PipePlace, _ handler: PipeHandler, concurrency: Int = 1) -> Worker {
        var options = Worker.Options()
        options.concurrency = concurrency
        options.lease = .seconds(600)
        var worker = Worker(place.queue, queues: ["q"], options: options)
        worker.runPipe(handler)
        return worker
    }

    @Test("by a line, if it accepts such lines; its answer changes nothing, and the process goes on with the next job")
    func line() async throws {
        try await withPlace { place in
            let handler = try await place.handler(
                "import os\nos.environ.setdefault('STINT_PIPE_ACCEPTS', 'cancel')\n" + Self.obedient)
            try await running([worker(place, handler, concurrency: 2)]) {
                let ids = [try await place.put("wait"), try await place.put("wait")]
                try await eventually("both wait") { try place.notes.count == 3 }
                try await place.queue.cancel([ids[0]])
                try await eventually("it was told") { try place.notes.count == 4 }
                #expect(try place.notes[3] == "cancel \(ids[0]) ['cancel', 'id', 'token']")
                let next = try await place.put("next")
                try await eventually("the next one is done") { try await place.queue.record(next)?.state == .done }
                try await place.queue.cancel([ids[1]])
                try await eventually("it was told") { try place.notes.count == 6 }
                #expect(try place.notes.count { $0.hasPrefix("pid") } == 1)
                for id in ids { #expect(try await place.queue.record(id)?.state == .cancelled) }
            }
            await handler.shutDown()
        }
    }

    @Test("by a line as soon as it says that it accepts such lines, if that is after the cancellation")
    func lateGreeting() async throws {
        try await withPlace { place in
            let handler = try await place.handler(
                """
                import json, os, time
                for _ in range(2):
                    note(f"wait {job()['id']}")
                while not os.path.exists(os.environ['LOG'] + '.go'):
                    time.sleep(0.01)
                print(json.dumps({'accepts': ['cancel']}), flush=True)
                while (j := job()) is not None:
                    if j.get('cancel'):
                        note(f"cancel {j['id']}")
                    else:
                        answer(j)
                """)
            try await running([worker(place, handler, concurrency: 2)]) {
                let ids = [try await place.put("wait"), try await place.put("wait")]
                try await eventually("both wait") { try place.notes.count == 2 }
                try await place.queue.cancel([ids[0]])
                // Its place is free, so the worker knows.
                let next = try await place.put("next")
                try await eventually("the next one was claimed") {
                    try await place.queue.record(next)?.state == .leased
                }
                try Data().write(to: URL(filePath: place.log + ".go"))
                try await eventually("it was told") { try place.notes.count == 3 }
                #expect(try place.notes[2] == "cancel \(ids[0])")
                try await eventually("the next one is done") { try await place.queue.record(next)?.state == .done }
                try await place.queue.cancel([ids[1]])
            }
            await handler.shutDown()
        }
    }

    @Test("by SIGTERM, if it accepts no such line and has no other job", arguments: [false, true])
    func signal(accepts: Bool) async throws {
        try await withPlace { place in
            // One that says that it accepts the line, and does not answer, gets the signal 2 s later.
            let script = """
                def stop(*_):
                    note('SIGTERM')
                    os._exit(0)
                signal.signal(signal.SIGTERM, stop)
                \(accepts ? "say(accepts=['cancel'])" : "")
                for j in jobs():
                    note('start')
                    if j['payload'] == 'wait': time.sleep(60)
                    answer(j)

                """
            let handler = try await place.handler(script)
            try await running([worker(place, handler)]) {
                let id = try await place.put("wait")
                try await eventually("it runs") { try place.notes == ["start"] }
                let start = ContinuousClock.now
                try await place.queue.cancel([id])
                try await eventually("it was told") { try place.notes == ["start", "SIGTERM"] }
                let wait = ContinuousClock.now - start
                #expect(accepts ? wait >= .seconds(2) : wait < .seconds(2))
                let next = try await place.put("next")
                try await eventually("the next one is done") { try await place.queue.record(next)?.state == .done }
                #expect(try await place.queue.record(id)?.state == .cancelled)
            }
            await handler.shutDown()
        }
    }

    @Test("one that accepts no such line gets none, and its other job is not disturbed")
    func old() async throws {
        try await withPlace { place in
            let script = """
                held = {}
                for j in jobs():
                    note(j['payload'])
                    if j['payload'] == 'end':
                        for other in held.values(): answer(other)
                        answer(j)
                    else: held[j['id']] = j

                """
            let handler = try await place.handler(script)
            try await running([worker(place, handler, concurrency: 3)]) {
                let ids = [try await place.put("a"), try await place.put("b")]
                try await eventually("both run") { try place.notes.count == 2 }
                try await place.queue.cancel([ids[0]])
                let end = try await place.put("end")
                try await eventually("it is done") { try await place.queue.record(end)?.state == .done }
                try await eventually("the other too") { try await place.queue.record(ids[1])?.state == .done }
                #expect(try await place.queue.record(ids[0])?.state == .cancelled)
                #expect(try place.notes.sorted() == ["a", "b", "end"])
            }
            await handler.shutDown()
        }
    }
}
