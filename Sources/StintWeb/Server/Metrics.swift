import Hummingbird
import StintCore
import StintPlatform

extension Route {
    /// OpenMetrics, or Prometheus' older text format, by what the scraper accepts.
    static func metrics(_ request: WebRequest) async throws -> Response {
        let isOpen = request.request.headers[.accept]?.contains("application/openmetrics-text") ?? false
        let metrics = try await Metrics(request.dashboard)
        return .text(
            metrics.text(isOpen: isOpen) + (isOpen ? "# EOF\n" : ""),
            type: isOpen
                ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                : "text/plain; version=0.0.4; charset=utf-8")
    }
}

/// What a scrape reads.
private struct Metrics {
    /// The most queues with time series of their own: the first by name. A name that is made of data must not fill the
    /// scraper's memory.
    static let maximumQueues = 200
    /// How many of the latest operations are counted.
    static let operations = 200

    let version: String?
    let stats: [QueueStats]
    let activity: [QueueActivity]
    let workers: [WorkerRecord]
    let schedules: [ScheduleRecord]
    let operations: [BulkOperation]
    let webhooks: [WebhookRecord]
    let storage: StorageSize?
    let livePages: Int
    let liveListeners: Int
    let liveRenders: Int
    let more: [MetricFamily]

    init(_ dashboard: Dashboard) async throws {
        let queue = dashboard.queue
        version = dashboard.options.version
        stats = try await queue.stats()
        activity = try await queue.activity(of: stats.prefix(Self.maximumQueues).map(\.name), last: .zero)
        workers = try await queue.workers()
        schedules = try await queue.schedules()
        operations = try await queue.operations(limit: Self.operations)
        webhooks = try await queue.webhooks()
        storage = try await dashboard.options.measure?()
        livePages = await dashboard.live.pageCount
        liveListeners = await dashboard.live.listenerCount
        liveRenders = await dashboard.live.renders
        more = await dashboard.options.moreMetrics?() ?? []
    }

    func text(isOpen: Bool) -> String {
        var text = MetricsText(isOpen: isOpen)
        addQueues(to: &text)
        addActivity(to: &text)
        addOthers(to: &text)
        addStorage(to: &text)
        addProcess(to: &text)
        for family in more { family.add(to: &text) }
        return text.text
    }

    private func addQueues(to text: inout MetricsText) {
        let (named, others) = (stats.prefix(Self.maximumQueues), stats.dropFirst(Self.maximumQueues))
        let states = JobState.allCases.filter { $0.isUnfinished || $0 == .buried }
        text.gauge("stint_jobs", "Jobs by queue and state.") {
            for queue in named {
                for state in states {
                    $0("queue", queue.name.description, "state", state.rawValue, value: queue.count(of: state))
                }
            }
        }
        text.gauge("stint_queue_paused", "1: nothing of the queue is claimed.") {
            for queue in named { $0("queue", queue.name.description, value: queue.paused ? 1 : 0) }
        }
        text.gauge(
            "stint_oldest_ready_seconds", unit: "seconds", "How long the job has waited that is ready for longest."
        ) {
            for queue in activity {
                $0(
                    "queue", queue.queue.description,
                    milliseconds: Int(clamping: queue.oldestReady?.milliseconds ?? 0))
            }
        }
        text.gauge("stint_queues", "How many queues there are.") { $0(value: stats.count) }
        text.gauge(
            "stint_jobs_of_other_queues",
            "Jobs by state of all queues after the first \(Self.maximumQueues), which have no time series of their own."
        ) {
            for state in states {
                $0(
                    "state", state.rawValue, value: others.reduce(0) { $0 &+ $1.count(of: state) })
            }
        }
    }

    private func addActivity(to text: inout MetricsText) {
        let counts: [(String, String, KeyPath<ActivityCounts, Int>)] = [
            ("stint_jobs_enqueued", "Jobs that were enqueued.", \.enqueued),
            ("stint_attempts_started", "Attempts: claims of a job.", \.started),
            ("stint_attempts_failed", "Attempts whose handler failed.", \.failed),
            ("stint_attempts_died", "Attempts whose process died, and that are blamed on their job.", \.crashed),
            (
                "stint_leases_lost",
                "Attempts whose lease was lost: it ran out, or the worker ended together with its supervisor or machine.",
                \.lost
            ),
        ]
        for (name, help, count) in counts {
            text.counter(name, help) {
                for queue in activity { $0("queue", queue.queue.description, value: queue.total[keyPath: count]) }
            }
        }
        let outcomes: [(String, KeyPath<ActivityCounts, Int>)] = [
            ("done", \.done), ("buried", \.buried), ("cancelled", \.cancelled), ("expired", \.expired),
        ]
        text.counter("stint_jobs_ended", "Jobs that came to their end; a buried one may be kicked.") {
            for queue in activity {
                for (outcome, count) in outcomes {
                    $0("queue", queue.queue.description, "outcome", outcome, value: queue.total[keyPath: count])
                }
            }
        }
        text.histogram(
            "stint_time_in_queue_seconds", "From ready to claimed.", activity.map { ($0.queue, $0.total.timeInQueue) })
        text.histogram(
            "stint_run_time_seconds", "From the claim to the end of an attempt.",
            activity.map { ($0.queue, $0.total.runTime) })
    }

    private func addOthers(to text: inout MetricsText) {
        text.gauge("stint_workers", "Registered workers by whether they are alive.") {
            for liveness in [Liveness.alive, .dead, .unknown] {
                $0("liveness", liveness.rawValue, value: workers.count { $0.liveness == liveness })
            }
        }
        text.gauge("stint_worker_slots", "How many jobs the workers that are not dead can run at once.") {
            $0(
                value: workers.filter { $0.liveness != .dead }
                    .reduce(0) { $0 &+ $1.registration.concurrency })
        }
        text.gauge("stint_schedules", "Schedules by whether they are paused.") {
            for (state, isPaused) in [("active", false), ("paused", true)] {
                $0("state", state, value: schedules.count { $0.isPaused == isPaused })
            }
        }
        text.gauge("stint_operations", "Of the latest \(Self.operations) operations, how many are in this state.") {
            for state in BulkOperation.State.allCases {
                $0("state", state.rawValue, value: operations.count { $0.state == state })
            }
        }
        addWebhooks(to: &text)
        text.gauge("stint_live_pages", "Different pages that somebody looks at.") { $0(value: livePages) }
        text.gauge("stint_live_listeners", "Tabs that look at a page.") { $0(value: liveListeners) }
        text.counter("stint_live_renders", "How often a page was read from the store for those who look at it.") {
            $0(value: liveRenders)
        }
        if let version { text.info("stint_build", "The version of Stint.", "version", version) }
    }

    /// A store has at most ``Webhook/maximumCount`` of them.
    private func addWebhooks(to text: inout MetricsText) {
        text.counter("stint_webhook_messages_sent", "Messages that the webhook's receiver has taken.") {
            for webhook in webhooks { $0("webhook", webhook.name, value: webhook.delivered) }
        }
        text.counter("stint_webhook_attempts_failed", "Attempts to send a message of the webhook that have failed.") {
            for webhook in webhooks { $0("webhook", webhook.name, value: webhook.failed) }
        }
        text.gauge("stint_webhook_failing", "1: the latest attempt to send a message of the webhook has failed.") {
            for webhook in webhooks { $0("webhook", webhook.name, value: webhook.lastDelivery?.error == nil ? 0 : 1) }
        }
    }

    private func addStorage(to text: inout MetricsText) {
        guard let storage else { return }
        text.gauge("stint_database_bytes", unit: "bytes", "The size of the database's file.") {
            $0(value: storage.file)
        }
        text.gauge("stint_database_log_bytes", unit: "bytes", "The size of its write-ahead log.") {
            $0(value: storage.log)
        }
        text.gauge("stint_disk_free_bytes", unit: "bytes", "What is free on the disk under the database.") {
            $0(value: storage.free)
        }
    }

    /// The names are those that all of Prometheus' own libraries use.
    private func addProcess(to text: inout MetricsText) {
        let usage = rusage.ofThisProcess
        func milliseconds(_ time: timeval) -> Int { Int(time.tv_sec) * 1_000 + Int(time.tv_usec) / 1_000 }
        let time = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime)
        text.counter("process_cpu_seconds", unit: "seconds", "Processor time of this server.") {
            $0(milliseconds: time)
        }
        if let memory = ProcessMemory.resident(ofProcess: getpid()) {
            text.gauge("process_resident_memory_bytes", unit: "bytes", "Resident memory of this server.") {
                $0(value: Int(clamping: memory))
            }
        }
        if let limit = ResourceLimit.openFilesLimit {
            text.gauge("process_max_fds", "How many files and connections this server may have open.") {
                $0(value: limit)
            }
        }
    }
}
