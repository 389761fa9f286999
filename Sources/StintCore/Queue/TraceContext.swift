import Logging
import Tracing

/// Carries the trace of the enqueuer to the handler in the job's headers (W3C `traceparent` or what the application's
/// tracer writes).
package enum TraceContext {
    package struct HeaderInjector: Injector {
        package init() {}
        package func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
            carrier[key] = value
        }
    }

    package struct HeaderExtractor: Extractor {
        package init() {}
        package func extract(key: String, from carrier: Headers) -> String? { carrier[key] }
    }

    /// The context that the enqueuer put into the headers; an empty one if there is none.
    package static func extract(from headers: Headers) -> ServiceContext {
        var context = ServiceContext.topLevel
        InstrumentationSystem.instrument.extract(headers, into: &context, using: HeaderExtractor())
        return context
    }
}

extension JobOptions {
    /// Adds the current task's trace context to the headers. Names and values that are not allowed there are skipped:
    /// tracing must not stop an enqueue.
    package func withTraceContext(_ context: ServiceContext? = ServiceContext.current) -> JobOptions {
        guard let context else { return self }
        var carrier: [String: String] = [:]
        InstrumentationSystem.instrument.inject(context, into: &carrier, using: TraceContext.HeaderInjector())
        var copy = self
        for (name, value) in carrier {
            do {
                try copy.headers.set(name, to: value)
            } catch {
                Logger(label: "stint").debug("the trace context was not added to the job's headers: \(error)")
            }
        }
        return copy
    }
}
