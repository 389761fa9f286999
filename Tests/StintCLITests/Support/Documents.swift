import Foundation

/// A job as `show --json` and `list --json` print it; `show` adds the payload and the failures.
struct JobDocument: Decodable {
    let id: Int
    let queue: String
    let state: String
    let priority: Int
    let attempts: Int
    let maxAttempts: Int
    let crashes: Int
    let maxCrashes: Int
    let suspect: Bool
    let contentType: String
    let headers: [String: String]
    let payloadBytes: Int
    let uniqueKey: String?
    let enqueuedAt: Int
    let runAt: Int?
    let worker: String?
    let token: Int?
    let leaseExpiresAt: Int?
    let buriedAt: Int?
    let reason: String?
    let doneAt: Int?
    let failures: [Failure]?
    let payload: String?
    let payloadBase64: String?
    let events: Int?
    let payloads: [String]?
    let payloadsBase64: [String]?
    let group: String?
    let waitReason: WaitReasonDocument?

    struct Failure: Decodable {
        let attempt: Int
        let at: Int
        let kind: String
        let error: String
        let worker: String?
        let diagnostics: AttemptDiagnostics?
    }

    struct AttemptDiagnostics: Decodable {
        let exitCode: Int?
        let signal: String?
        let peakMemoryBytes: Int?
        let runTimeMilliseconds: Int?
        let standardError: String?
    }
}

/// Why a job or a group waits.
struct WaitReasonDocument: Decodable, Equatable {
    let reason: String
    let text: String
    var group: String?
    var running: Int?
    var limit: Int?
    var job: Int?
    var nextStartMilliseconds: Int?
}

/// A worker as `workers --json` prints it.
struct WorkerDocument: Decodable {
    let id: Int
    let name: String
    let process: Identity
    let supervisor: Identity?
    let writesThroughSupervisor: Bool
    let queues: [String]
    let concurrency: Int
    let registeredAt: Int
    let started: [Started]?
    let existence: String
    let residentMemoryBytes: Int?

    struct Identity: Decodable {
        let host: String
        let boot: String
        let namespaces: String
        let processID: Int
        let startTime: Int
    }

    struct Started: Decodable {
        let job: Int
        let token: Int
        let ageMilliseconds: Int?
    }
}

/// A queue in `stats --json`.
struct QueueDocument: Decodable, Equatable {
    let name: String
    var ready = 0
    var delayed = 0
    var leased = 0
    var buried = 0
    var done = 0
    var paused = false
}

extension Workplace {
    /// `stint show ID --json`.
    func job(_ id: Int) async throws -> JobDocument {
        try JSONDecoder().decode(JobDocument.self, from: Data(try await stint("show", "\(id)", "--json").utf8))
    }

    /// `stint list --json`: one object on each line.
    func jobs(_ state: String) async throws -> [JobDocument] {
        try await stint("list", "--json", "--state", state, "--limit", "100000").split(separator: "\n")
            .map { try JSONDecoder().decode(JobDocument.self, from: Data($0.utf8)) }
    }

    /// `stint workers --json`: one object on each line.
    func workers() async throws -> [WorkerDocument] {
        try await stint("workers", "--json").split(separator: "\n")
            .map { try JSONDecoder().decode(WorkerDocument.self, from: Data($0.utf8)) }
    }

    /// The row of one queue in `stint stats --json`.
    func counts(_ queue: String = "default") async throws -> QueueDocument {
        struct Document: Decodable { let queues: [QueueDocument] }
        let document = try JSONDecoder().decode(Document.self, from: Data(try await stint("stats", "--json").utf8))
        return document.queues.first { $0.name == queue } ?? QueueDocument(name: queue)
    }
}
