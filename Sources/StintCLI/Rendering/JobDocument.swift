import Foundation
import StintCore

/// A job's record with its failures and payload.
struct JobDocument: Encodable {
    private let job: JobDetails

    init(_ job: JobDetails) { self.job = job }

    private enum Keys: String, CodingKey {
        case failures, payload, payloadBase64, payloads, payloadsBase64
    }

    func encode(to encoder: any Encoder) throws {
        try job.record.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(job.failures, forKey: .failures)
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
