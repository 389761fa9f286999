/// Numbers of another part of the program, for `/metrics`: see ``Dashboard/Options/moreMetrics``.
public struct MetricFamily: Sendable {
    public enum Kind: Sendable {
        /// A number that goes up and down.
        case gauge
        /// A total that only grows. The suffix `_total` is added to its name.
        case counter
    }

    public struct Sample: Sendable {
        /// A name and its value.
        public var label: (name: String, value: String)?
        public var value: Int

        public init(_ value: Int, label: (name: String, value: String)? = nil) {
            self.value = value
            self.label = label
        }
    }

    /// A name by Prometheus' rules that no other family has, such as `shop_orders`.
    public var name: String
    public var kind: Kind
    /// One sentence.
    public var help: String
    /// No two have the same label.
    public var samples: [Sample]

    public init(_ name: String, _ kind: Kind, help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    func add(to text: inout MetricsText) {
        func add(_ lines: inout MetricsText.Samples) {
            for sample in samples {
                if let label = sample.label {
                    lines(label.name, label.value, value: sample.value)
                } else {
                    lines(value: sample.value)
                }
            }
        }
        switch kind {
        case .gauge: text.gauge(name, help, add)
        case .counter: text.counter(name, help, add)
        }
    }
}
