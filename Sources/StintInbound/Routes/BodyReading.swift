import Hummingbird
import Synchronization

/// Reads the body of a request within the limits of size and time.
struct BodyReading: Sendable {
    private let body: RequestBody
    private let announced: Int?
    private let limits: InboundLimits

    init(_ request: Request, _ limits: InboundLimits) {
        body = request.body
        announced = request.headers[.contentLength].flatMap { Int($0) }
        self.limits = limits
    }

    /// - Throws: ``InboundRefusal``.
    func bytes(_ place: BodyBudget.Place) async throws -> [UInt8] {
        if let announced, announced > limits.bodyBytes { throw tooLarge }
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { try await read(place) }
            group.addTask {
                try await Task.sleep(for: min(limits.bodyGrace, limits.bodyTime))
                try await watch(place)
                throw InboundRefusal.unavailable(
                    "the body has not come within \(limits.bodyTime), the most that is allowed: send it again")
            }
            defer { group.cancelAll() }
            // Whichever ends first: the body, or the time.
            return try await group.next() ?? []
        }
    }

    /// Looks each second whether the body comes fast enough. Returns when its time is over.
    private func watch(_ place: BodyBudget.Place) async throws {
        var time = limits.bodyGrace
        while time < limits.bodyTime {
            let least = Double(limits.bodyBytesPerSecond) * Double(time.milliseconds) / 1_000
            guard Double(place.count) >= least else {
                throw InboundRefusal.unavailable(
                    "the body has \(place.count) bytes after \(time); at least \(limits.bodyBytesPerSecond) in a second are "
                        + "expected: send it again")
            }
            let pause = min(.seconds(1), limits.bodyTime - time)
            try await Task.sleep(for: pause)
            time += pause
        }
    }

    private var tooLarge: InboundRefusal {
        .tooLarge("the body is larger than \(limits.bodyBytes) bytes, the most that this address accepts")
    }

    private func read(_ place: BodyBudget.Place) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in body {
            guard bytes.count + part.readableBytes <= limits.bodyBytes else { throw tooLarge }
            try place.take(part.readableBytes)
            bytes += part.readableBytesView
        }
        try Task.checkCancellation()
        if let announced, bytes.count < announced {
            throw InboundRefusal.unavailable(
                "the body has \(bytes.count) bytes, and its header announces \(announced): send it again")
        }
        return bytes
    }
}
