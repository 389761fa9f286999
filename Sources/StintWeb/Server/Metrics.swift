import Hummingbird
import StintCore

extension Route {
    /// OpenMetrics, or Prometheus' older text format, by what the scraper accepts.
    static func metrics(_ request: WebRequest) async throws -> Response {
        let isOpen = request.request.headers[.accept]?.contains("application/openmetrics-text") ?? false
        var text = MetricsText(isOpen: isOpen)
        let stats = try await request.dashboard.queue.stats()
        text.gauge("stint_jobs", "Jobs by queue and state.") {
            for queue in stats {
                for state in JobState.allCases where state.isUnfinished || state == .buried {
                    $0("queue", queue.name.description, "state", state.rawValue, value: queue.count(of: state))
                }
            }
        }
        text.counter("stint_jobs_cancelled", "Jobs that were cancelled.") {
            for queue in stats { $0("queue", queue.name.description, value: queue.cancelled) }
        }
        text.counter("stint_jobs_expired", "Jobs whose time was over before they started.") {
            for queue in stats { $0("queue", queue.name.description, value: queue.expired) }
        }
        text.gauge("stint_queue_paused", "1: nothing of the queue is claimed.") {
            for queue in stats { $0("queue", queue.name.description, value: queue.paused ? 1 : 0) }
        }
        let activity = try await request.dashboard.queue.activity(of: stats.map(\.name), last: .zero)
        let counts: [(String, String, KeyPath<ActivityCounts, Int>)] = [
            ("enqueued", "Jobs that were enqueued.", \.enqueued), ("started", "Attempts that were claimed.", \.started),
            ("acknowledged", "Jobs that were acknowledged.", \.done), ("failed", "Attempts that failed.", \.failed),
            ("crashed", "Attempts whose process died.", \.crashed),
            ("lost", "Attempts whose lease was lost; nobody knows how they ended.", \.lost),
            ("buried", "Jobs that were buried.", \.buried),
        ]
        for (name, help, count) in counts {
            text.counter("stint_\(name)", help) {
                for queue in activity { $0("queue", queue.queue.description, value: queue.total[keyPath: count]) }
            }
        }
        text.gauge("stint_oldest_ready_milliseconds", "How long the oldest ready job has waited.") {
            for queue in activity {
                $0("queue", queue.queue.description, value: Int(clamping: queue.oldestReady?.milliseconds ?? 0))
            }
        }
        text.histogram(
            "stint_time_in_queue_milliseconds", "From ready to claimed.",
            activity.map { ($0.queue, $0.total.timeInQueue) })
        text.histogram(
            "stint_run_time_milliseconds", "From the claim to the end.", activity.map { ($0.queue, $0.total.runTime) })
        let workers = try await request.dashboard.queue.workers()
        text.gauge("stint_workers", "Registered workers by whether they are alive.") {
            for liveness in [Liveness.alive, .dead, .unknown] {
                $0("liveness", liveness.rawValue, value: workers.count { $0.liveness == liveness })
            }
        }
        return .text(
            text.text + (isOpen ? "# EOF\n" : ""),
            type: isOpen
                ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                : "text/plain; version=0.0.4; charset=utf-8")
    }

    static func readiness(_ request: WebRequest) async throws -> Response {
        do {
            try request.dashboard.queue.store.checkStillThere()
            _ = try await request.dashboard.queue.workers()
            return .text("ready\n")
        } catch {
            request.dashboard.options.logger.warning("not ready", metadata: ["error": "\(error)"])
            return .text("not ready\n", status: .serviceUnavailable)
        }
    }
}

/// Lines of metrics.
struct MetricsText {
    private(set) var text = ""
    /// Prometheus' older format has the suffix of counters in their families too.
    let isOpen: Bool

    init(isOpen: Bool) {
        self.isOpen = isOpen
    }

    struct Samples {
        let name: String
        fileprivate(set) var lines = ""

        /// - Parameter labels: A name and its value, and so on.
        mutating func callAsFunction(_ labels: String..., value: Int) {
            let pairs = stride(from: 0, to: labels.count - 1, by: 2).map {
                "\(labels[$0])=\"\(Self.escaped(labels[$0 + 1]))\""
            }
            lines += name + (pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}") + " \(value)\n"
        }

        private static func escaped(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
    }

    mutating func gauge(_ name: String, _ help: String, _ add: (inout Samples) -> Void) {
        family(name, "gauge", help, Samples(name: name), add)
    }

    mutating func counter(_ name: String, _ help: String, _ add: (inout Samples) -> Void) {
        family(isOpen ? name : name + "_total", "counter", help, Samples(name: name + "_total"), add)
    }

    /// The times of queues, with the number of those up to each bound.
    mutating func histogram(_ name: String, _ help: String, _ queues: [(QueueName, LatencyHistogram)]) {
        var (buckets, others) = (Samples(name: name + "_bucket"), "")
        for (queue, histogram) in queues {
            for (bound, count) in histogram.cumulative {
                let limit = bound.map { "\($0.milliseconds)" } ?? "+Inf"
                buckets("queue", queue.description, "le", limit, value: count)
            }
            var (sum, count) = (Samples(name: name + "_sum"), Samples(name: name + "_count"))
            sum("queue", queue.description, value: histogram.totalMilliseconds)
            count("queue", queue.description, value: histogram.count)
            others += count.lines + sum.lines
        }
        text += "# TYPE \(name) histogram\n# HELP \(name) \(help)\n" + buckets.lines + others
    }

    private mutating func family(
        _ name: String, _ type: String, _ help: String, _ samples: Samples, _ add: (inout Samples) -> Void
    ) {
        var samples = samples
        add(&samples)
        text += "# TYPE \(name) \(type)\n# HELP \(name) \(help)\n" + samples.lines
    }
}
