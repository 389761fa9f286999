import InMemoryTracing
import Metrics
import MetricsTestKit
import Stint
import StintCore
import Testing
import Tracing

/// The process's one tracer and one metrics backend.
private enum Backends {
    static let tracer: InMemoryTracer = {
        let tracer = InMemoryTracer()
        InstrumentationSystem.bootstrap(tracer)
        return tracer
    }()

    static let metrics: TestMetrics = {
        let metrics = TestMetrics()
        MetricsSystem.bootstrap(metrics)
        return metrics
    }()
}

@Suite("What operators see", .timeLimit(.minutes(2)))
struct ObservabilityTests {
    @Test("the handler's span continues the enqueuer's trace")
    func trace() async throws {
        let tracer = Backends.tracer
        try await withQueue { queue in
            try await withSpan("order") { _ in
                _ = try await queue.enqueue(Greeting(name: "traced"), in: "q")
            }
            var worker = queue.drainingWorker()
            worker.registerJob(Greeting.self) { _, _ in withSpan("inside") { _ in } }
            try await worker.run()
            let spans = tracer.finishedSpans
            let order = try #require(spans.last { $0.operationName == "order" })
            let run = try #require(
                spans.last { $0.operationName == "greeting" && $0.traceID == order.traceID })
            #expect(run.parentSpanID == order.spanID)
            #expect(spans.contains { $0.operationName == "inside" && $0.parentSpanID == run.spanID })
        }
    }

    @Test("everything that happens to jobs is counted and timed, by queue")
    func metrics() async throws {
        let metrics = Backends.metrics
        try await withQueue { queue in
            // A queue name of this test's own: others run beside it.
            let name: QueueName = "metered"
            for text in ["done", "done", "fails", "buried"] {
                try await queue.enqueue(Greeting(name: text), in: name, options: JobOptions(maxAttempts: 2))
            }
            var options = Worker.Options()
            options.drains = true
            var worker = Worker(queue, queues: [name], options: options)
            worker.registerJob(Greeting.self, retry: .immediate()) { job, _ in
                if job.name == "fails" { throw Oops() }
                if job.name == "buried" { throw JobVerdict.bury("so") }
            }
            try await worker.run()
            func counter(_ label: String) throws -> Int64 {
                try metrics.expectCounter(label, [("queue", "metered")]).totalValue
            }
            #expect(try counter("stint.enqueued") == 4)
            #expect(try counter("stint.claimed") == 5)
            #expect(try counter("stint.done") == 2)
            #expect(try counter("stint.failed") == 2)
            #expect(try counter("stint.buried") == 2)
            #expect(try counter("stint.lease_lost") == 0)
            #expect(try metrics.expectTimer("stint.time_in_queue", [("queue", "metered")]).values.count == 4)
            #expect(try metrics.expectTimer("stint.run_time", [("queue", "metered")]).values.count == 5)
        }
    }
}
