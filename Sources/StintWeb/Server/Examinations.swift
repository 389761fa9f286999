import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The latest results of examinations. One that reads everything may take minutes, so it runs in the background, one at
/// a time, and pages show what the last one has found.
actor Examinations {
    struct Result: Sendable {
        let findings: [Dashboard.Finding]
        let at: Date
        let took: Duration
        fileprivate let ended: ContinuousClock.Instant
    }

    struct Report: Sendable {
        let quick: Result?
        /// What reading everything has shown.
        let thorough: Result?
        /// When the examination began that reads everything now.
        let runsSince: Date?
    }

    /// A store of at most this many bytes is read at each look.
    static let smallStore = 16 << 20
    /// How long a quick result is shown again.
    private static let quickLasts: Duration = .seconds(5)

    private let options: Dashboard.Options
    private var quick: Result?
    private var quickRun: Task<Result, any Error>?
    private var thorough: Result?
    private var thoroughRun: (task: Task<Result, any Error>, since: Date)?

    init(_ options: Dashboard.Options) {
        self.options = options
    }

    /// What is known. The first look waits for the quick examination; later ones are answered at once.
    func report() async throws -> Report {
        if let examine = options.examine {
            if quick == nil {
                _ = try await look(examine).value
            } else if let quick, ContinuousClock.now - quick.ended > Self.quickLasts {
                _ = look(examine)
            }
        }
        if options.examineThoroughly != nil, let size = try await options.measure?(), size.file <= Self.smallStore {
            try await start()?.value
        }
        return Report(quick: quick, thorough: thorough, runsSince: thoroughRun?.since)
    }

    /// Begins to read everything, unless that is done already.
    ///
    /// - Returns: Its end; `nil`: the store cannot be read so.
    @discardableResult
    func start() -> Task<Void, any Error>? {
        guard let examine = options.examineThoroughly else { return nil }
        let (task, since) = thoroughRun ?? (Task { try await Self.timed(examine) }, Date())
        thoroughRun = (task, since)
        return Task {
            defer { if thoroughRun?.task == task { thoroughRun = nil } }
            thorough = try await task.value
        }
    }

    private func look(_ examine: @escaping @Sendable () async throws -> [Dashboard.Finding]) -> Task<Void, any Error> {
        let task = quickRun ?? Task { try await Self.timed(examine) }
        quickRun = task
        return Task {
            defer { if quickRun == task { quickRun = nil } }
            quick = try await task.value
        }
    }

    private static func timed(
        _ examine: @Sendable () async throws -> [Dashboard.Finding]
    ) async throws -> Result {
        let start = ContinuousClock.now
        let findings = try await examine()
        let end = ContinuousClock.now
        return Result(findings: findings, at: Date(), took: end - start, ended: end)
    }
}
