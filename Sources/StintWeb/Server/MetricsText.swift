import StintCore

/// Lines of metrics.
struct MetricsText {
    private(set) var text = ""
    /// Prometheus' older format has the suffix of counters in their families too.
    let isOpen: Bool

    init(isOpen: Bool) {
        self.isOpen = isOpen
        text.reserveCapacity(16_384)
    }

    struct Samples {
        let name: String
        fileprivate(set) var lines = ""

        /// - Parameter labels: A name and its value, and so on.
        mutating func callAsFunction(_ labels: String..., value: Int) { add(labels, String(value)) }

        /// - Parameter labels: A name and its value, and so on.
        mutating func callAsFunction(_ labels: String..., milliseconds: Int) {
            add(labels, MetricsText.seconds(milliseconds))
        }

        private mutating func add(_ labels: [String], _ value: String) {
            lines += name
            for index in stride(from: 0, to: labels.count - 1, by: 2) {
                lines += index == 0 ? "{" : ","
                lines += labels[index]
                lines += "=\""
                lines += MetricsText.escaped(labels[index + 1])
                lines += "\""
            }
            lines += labels.isEmpty ? " " : "} "
            lines += value
            lines += "\n"
        }
    }

    /// - Parameter unit: The last word of the name, if it is a unit.
    mutating func gauge(_ name: String, unit: String? = nil, _ help: String, _ add: (inout Samples) -> Void) {
        family(name, "gauge", unit, help, Samples(name: name), add)
    }

    /// - Parameter name: Without the suffix `_total`.
    mutating func counter(_ name: String, unit: String? = nil, _ help: String, _ add: (inout Samples) -> Void) {
        family(isOpen ? name : name + "_total", "counter", unit, help, Samples(name: name + "_total"), add)
    }

    /// Facts that do not change, as labels.
    mutating func info(_ name: String, _ help: String, _ label: String, _ value: String) {
        family(isOpen ? name : name + "_info", isOpen ? "info" : "gauge", nil, help, Samples(name: name + "_info")) {
            $0(label, value, value: 1)
        }
    }

    /// The times of queues in seconds, with the number of those up to each bound.
    mutating func histogram(_ name: String, _ help: String, _ queues: [(QueueName, LatencyHistogram)]) {
        head(name, "histogram", "seconds", help)
        for (queue, histogram) in queues {
            // One queue after the other, as OpenMetrics wants it.
            let queue = queue.description
            var (bucket, count) = (Samples(name: name + "_bucket"), Samples(name: name + "_count"))
            for (bound, number) in histogram.cumulative {
                bucket("queue", queue, "le", bound.map { Self.seconds($0.milliseconds) } ?? "+Inf", value: number)
            }
            count("queue", queue, value: histogram.count)
            var sum = Samples(name: name + "_sum")
            sum("queue", queue, milliseconds: histogram.totalMilliseconds)
            text += bucket.lines + count.lines + sum.lines
        }
    }

    private mutating func family(
        _ name: String, _ type: String, _ unit: String?, _ help: String, _ samples: Samples,
        _ add: (inout Samples) -> Void
    ) {
        var samples = samples
        add(&samples)
        head(name, type, unit, help)
        text += samples.lines
    }

    private mutating func head(_ name: String, _ type: String, _ unit: String?, _ help: String) {
        text += "# TYPE \(name) \(type)\n"
        if isOpen, let unit { text += "# UNIT \(name) \(unit)\n" }
        text += "# HELP \(name) \(help)\n"
    }

    /// Exact, and as OpenMetrics writes numbers.
    private static func seconds(_ milliseconds: some BinaryInteger) -> String {
        let (whole, rest) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        if rest == 0 { return "\(whole).0" }
        var digits = String(1_000 + Int(rest)).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }

    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x5c, 0x22, 0x0a].contains($0) }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
