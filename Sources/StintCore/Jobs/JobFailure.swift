#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An attempt that did not succeed.
public struct JobFailure: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable {
        /// The handler failed.
        case failed
        /// The process that ran the job died.
        case crashed
        /// The lease ran out without proof that the worker died. No attempt is used up.
        case expired
        /// The worker ended together with its supervisor or its machine. No attempt is used up.
        case lost
        /// The handler or a person buried the job.
        case buried
        /// The worker had no handler for this kind of job. No attempt is used up. Of several in a row the first is kept.
        case refused
    }

    public let attempt: Int
    /// When it ended.
    public var at: Date { Date(atMilliseconds) }
    package let atMilliseconds: Timestamp
    public let kind: Kind
    public let error: String
    public let worker: String?
    public let diagnostics: AttemptDiagnostics?

    public init(
        attempt: Int, at: Timestamp, kind: Kind, error: String, worker: String?, diagnostics: AttemptDiagnostics? = nil
    ) {
        self.attempt = attempt
        atMilliseconds = at
        self.kind = kind
        self.error = error
        self.worker = worker
        self.diagnostics = diagnostics
    }

    private enum CodingKeys: String, CodingKey {
        case attempt, kind, error, worker, diagnostics
        case atMilliseconds = "at"
    }
}
