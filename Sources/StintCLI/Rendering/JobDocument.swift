import Foundation
import StintCore

/// A job's record with its failures and payload, and why it waits.
struct JobDocument: Encodable {
    private let job: JobDetails
    private let waitReason: WaitReason?

    init(_ job: JobDetails, waitReason: WaitReason?) {
        self.job = job
        self.waitReason = waitReason
    }

    private enum Keys: String, CodingKey {
        case failures, waitReason, payload, payloadBase64, payloads, payloadsBase64
    }

    func encode(to encoder: any Encoder) throws {
        try job.record.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(job.failures, forKey: .failures)
        try container.encodeIfPresent(waitReason.map(WaitReasonDocument.init), forKey: .waitReason)
        if let events = job.events {
            let texts = events.compactMap { String(validating: $0, as: UTF8.self) }
            if texts.count == events.count {
                try container.encode(texts, forKey: .payloads)
            } else {
                try container.encode(events.map { Data($0).base64EncodedString() }, forKey: .payloadsBase64)
            }
        } else if let text = String(validating: job.payload, as: UTF8.self) {
            try container.encode(text, forKey: .payload)
        } else {
            try container.encode(Data(job.payload).base64EncodedString(), forKey: .payloadBase64)
        }
    }
}
