#if Web
    import StintBeanstalk
    import StintWeb

    extension MetricFamily {
        /// The metrics of a server of beanstalkd's protocol, for a dashboard in the same process.
        static func families(of metrics: ServerMetrics) -> [MetricFamily] {
            [
                gauge("connections", "Open connections of beanstalkd's clients.", metrics.connections),
                counter("connections_opened", "Connections that clients have opened.", metrics.connectionsOpened),
                counter(
                    "connections_refused", "Connections that were closed at once: there were as many as are allowed.",
                    metrics.connectionsRefused),
                counter(
                    "connections_lost", "Connections that ended while their client had jobs.", metrics.connectionsLost),
                labelled("commands", "Commands of clients.", "command", metrics.commands),
                gauge("waiting", "Clients that wait for a job.", metrics.waiting),
                gauge("reserved_jobs", "Jobs that clients have.", metrics.reserved),
                counter("job_timeouts", "Jobs whose client did not finish them in time.", metrics.timeouts),
                counter("jobs_lost", "Jobs whose client's connection ended while it had them.", metrics.jobsLost),
                labelled("puts_refused", "Puts that were refused, by the reply.", "reason", metrics.putsRefused),
                counter("jobs_put", "Jobs that clients have put.", metrics.jobsPut),
                counter(
                    "put_batches", "Calls of the store that have enqueued them; connections share a call.",
                    metrics.putBatches),
                counter(
                    "jobs_settled", "Jobs that clients have deleted, released or buried while they had them.",
                    metrics.jobsSettled),
                counter(
                    "settlement_batches", "Calls of the store that have settled them; connections share a call.",
                    metrics.settlementBatches),
                gauge("draining", "1: the server accepts no more jobs.", metrics.isDraining ? 1 : 0),
            ]
        }

        private static func gauge(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
            MetricFamily("stint_beanstalk_\(name)", .gauge, help: help, [Sample(value)])
        }

        private static func counter(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
            MetricFamily("stint_beanstalk_\(name)", .counter, help: help, [Sample(value)])
        }

        private static func labelled(
            _ name: String, _ help: String, _ label: String, _ counts: [(name: String, count: Int)]
        ) -> MetricFamily {
            MetricFamily(
                "stint_beanstalk_\(name)", .counter, help: help,
                counts.map { Sample($0.count, label: (label, $0.name)) })
        }
    }
#endif
