import StintCore

/// The documents in replies, as beanstalkd writes them.
enum YAML {
    static func list(_ tubes: [QueueName]) -> String {
        "---\n" + tubes.map { "- \($0)\n" }.joined()
    }

    static func dictionary(_ values: [(key: String, value: String)]) -> String {
        "---\n" + values.map { "\($0.key): \($0.value)\n" }.joined()
    }
}
