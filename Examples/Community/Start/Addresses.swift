import Synchronization

/// Where the parts of the site listen, as soon as each does.
final class Addresses: Sendable {
    struct All: Sendable {
        var site = ""
        var jobs = ""
        var smtp = ""

        var areKnown: Bool { ![site, jobs, smtp].contains("") }
    }

    private let now = Mutex(All())
    private let stream: AsyncStream<All>
    private let continuation: AsyncStream<All>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func siteRuns(at address: String) { set { $0.site = address } }

    /// A line of `stint serve`: each says an address.
    func childSays(_ line: String) {
        let address = line.hasSuffix("/") ? String(line.dropLast()) : line
        if address.hasPrefix("smtp://") { set { $0.smtp = address } }
        if address.hasPrefix("http://") { set { $0.jobs = address } }
    }

    /// - Returns: All, when all are known; `nil` if this task is cancelled before.
    func all() async -> All? { await stream.first { _ in true } }

    private func set(_ change: (inout All) -> Void) {
        let all = now.withLock { all in
            change(&all)
            return all
        }
        if all.areKnown { continuation.yield(all) }
    }
}
